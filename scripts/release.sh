#!/usr/bin/env bash
# Builds a release in dist/: one static binary per system, and SHA256SUMS. Builds are
# reproducible: the same commit and the same Go give the same bytes on every machine.
#
# File names contain `git describe`. `scanlogin version` prints what Go itself takes
# from git: the tag of the commit, or a pseudo-version.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(git describe --tags --always --dirty)
systems=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64)

# These variables would change the bytes if the environment set them.
export CGO_ENABLED=0 GOFLAGS=-mod=readonly GOEXPERIMENT='' GOFIPS140=off GOAMD64=v1 GOARM64=v8.0 GOWORK=off

rm -rf dist
mkdir dist
for system in "${systems[@]}"; do
  os=${system%/*} arch=${system#*/} end=
  [ "$os" = windows ] && end=.exe
  file=dist/scanlogin_${version}_${os}_${arch}$end
  GOOS=$os GOARCH=$arch go build -trimpath -buildvcs=true -ldflags='-s -w' -o "$file" ./cmd/scanlogin
  echo "$file"
done

cd dist
if command -v sha256sum >/dev/null; then
  sha256sum scanlogin_* >SHA256SUMS
else
  shasum -a 256 scanlogin_* >SHA256SUMS
fi

mine=scanlogin_${version}_$(go env GOHOSTOS)_$(go env GOHOSTARCH)$(go env GOEXE)
[ ! -f "$mine" ] || "./$mine" version
