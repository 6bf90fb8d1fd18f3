# One static binary and the certificate authorities that it needs to call a pool's
# identity. No shell, no package manager.
#
#   docker build --tag scanlogin .
#   docker run --publish 8080:8080 scanlogin demo --listen :8080
#
# `serve` reads /etc/scanlogin/scanlogin.yaml. It needs `listen: :8080` (the default
# is loopback, which is not reachable from outside the container) and an
# `ops_listen`, which the health check uses.

# The compiler runs on the build platform and compiles for the target platform, so
# --platform linux/amd64,linux/arm64 needs no emulation.
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
ARG TARGETOS
ARG TARGETARCH
# Module proxy, if not Go's default.
ARG GOPROXY
# Use -buildvcs=false if .git is not a folder, as in a worktree.
ARG GOFLAGS
WORKDIR /src
# Includes .git: `scanlogin version` prints the tag and commit of the build.
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags="-s -w" -o /out/scanlogin ./cmd/scanlogin

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/scanlogin /scanlogin
ENV SCANLOGIN_CONFIG=/etc/scanlogin/scanlogin.yaml
# A number, because there is no /etc/passwd, and because Kubernetes (runAsNonRoot)
# can then verify that it is not root.
USER 65532:65532
EXPOSE 8080
# The check itself ends after 3 s.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/scanlogin", "healthcheck"]
ENTRYPOINT ["/scanlogin"]
CMD ["serve"]
