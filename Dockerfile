# One static program, the certificate authorities it needs to call a pool's
# identity, and nothing else: no shell, no package manager.
#
#   docker build --tag scanlogin .
#   docker run --publish 8080:8080 scanlogin demo --listen :8080
#
# `serve` wants its configuration as /etc/scanlogin/scanlogin.yaml, with
# `listen: :8080` (the default is for this machine alone, which in a container
# is nobody) and an `ops_listen`, which the health check asks.

# The compiler runs on the builder's own platform and makes a program for the
# target's, so that --platform linux/amd64,linux/arm64 needs no emulation.
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
ARG TARGETOS
ARG TARGETARCH
# Where modules are fetched, if not from where Go does by itself.
ARG GOPROXY
# -buildvcs=false where .git is not a folder, as in a worktree.
ARG GOFLAGS
WORKDIR /src
# .git is part of it: `scanlogin version` tells the tag and commit of the build.
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags="-s -w" -o /out/scanlogin ./cmd/scanlogin

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/scanlogin /scanlogin
ENV SCANLOGIN_CONFIG=/etc/scanlogin/scanlogin.yaml
# A number, because there is no /etc/passwd, and so that Kubernetes can see
# (runAsNonRoot) that it is not root.
USER 65532:65532
EXPOSE 8080
# The check gives up by itself after 3 s.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/scanlogin", "healthcheck"]
ENTRYPOINT ["/scanlogin"]
CMD ["serve"]
