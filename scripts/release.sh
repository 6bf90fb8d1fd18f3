#!/usr/bin/env bash
# Builds a release in dist/: an archive and an SBOM (CycloneDX) per system, and SHA256SUMS.
#
#   scripts/release.sh                all systems
#   scripts/release.sh linux/amd64    some of them
#
# Builds are reproducible: the same commit, the same Go and the same tar and gzip give the
# same bytes on every machine. File names contain `git describe`. `scanlogin --version`
# prints what Go itself takes from git: the tag of the commit, or a pseudo-version.
# docs/release.md has the procedure.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(git describe --tags --always --dirty)
systems=("$@")
[ $# -gt 0 ] || systems=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64)
sbom=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

tar --version 2>/dev/null | grep -q 'GNU tar' || { echo "GNU tar is needed for reproducible archives" >&2; exit 1; }

# These variables would change the bytes if the environment set them.
export CGO_ENABLED=0 GOFLAGS='-mod=readonly -trimpath' GOEXPERIMENT='' GOFIPS140=off GOAMD64=v1 GOARM64=v8.0 GOWORK=off
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
date=$(git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)

rm -rf dist
mkdir dist
texts=$(mktemp -d)
trap 'rm -rf "$texts"' EXIT
go run ./test/licenses -texts >"$texts/THIRD_PARTY_LICENSES"
cp LICENSE NOTICE README.md CHANGELOG.md "$texts"

for system in "${systems[@]}"; do
  os=${system%/*} arch=${system#*/}
  name=scanlogin_${version}_${os}_${arch} program=scanlogin
  [ "$os" != windows ] || program=scanlogin.exe
  mkdir "$texts/$name"
  cp "$texts"/[A-Z]* "$texts/$name"
  GOOS=$os GOARCH=$arch go build -buildvcs=true -ldflags='-s -w' -o "$texts/$name/$program" ./cmd/scanlogin
  chmod 644 "$texts/$name"/*
  chmod 755 "$texts/$name" "$texts/$name/$program"
  tar --create --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=ustar \
    --directory="$texts" "$name" | gzip --no-name -9 >"dist/$name.tar.gz"
  # The time of the commit replaces the current one.
  go run "$sbom" bin -json -noserial -version "$version" "$texts/$name/$program" |
    sed -E "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$date\"/" >"dist/$name.cdx.json"
  echo "dist/$name.tar.gz"
  if [ "$system" = "$(go env GOHOSTOS)/$(go env GOHOSTARCH)" ]; then "$texts/$name/$program" --version; fi
  rm -r "${texts:?}/$name"
done

cd dist
if command -v sha256sum >/dev/null; then
  sha256sum scanlogin_* >SHA256SUMS
else
  shasum -a 256 scanlogin_* >SHA256SUMS
fi
