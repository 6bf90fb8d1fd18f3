# The image of a release: the programs of the archives in dist/, which scripts/release.sh
# builds. Nothing is compiled, so archives and images contain the same bytes.
#
#   scripts/release.sh
#   docker build --file deploy/release.Dockerfile --build-arg VERSION=v1.2.3 --tag scanlogin:v1.2.3 .
#
# ../Dockerfile compiles the source instead; otherwise both images are the same.
FROM --platform=$BUILDPLATFORM debian:12.9-slim AS archive
ARG TARGETOS
ARG TARGETARCH
ARG VERSION
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates
WORKDIR /dist
COPY dist/SHA256SUMS dist/scanlogin_${VERSION}_${TARGETOS}_${TARGETARCH}.tar.gz ./
RUN sha256sum --check --ignore-missing --strict SHA256SUMS \
 && mkdir /out && tar --extract --gzip --file "scanlogin_${VERSION}_${TARGETOS}_${TARGETARCH}.tar.gz" --directory /out --strip-components 1

FROM scratch
COPY --from=archive /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=archive /out/scanlogin /scanlogin
COPY --from=archive /out/LICENSE /out/NOTICE /out/THIRD_PARTY_LICENSES /licenses/
ENV SCANLOGIN_CONFIG=/etc/scanlogin/scanlogin.yaml
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/scanlogin", "healthcheck"]
ENTRYPOINT ["/scanlogin"]
CMD ["serve"]
