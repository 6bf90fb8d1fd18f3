#!/usr/bin/env bash
# Checks the source without running it: format, vet, staticcheck, licenses, and known
# vulnerabilities where their databases can be reached. scripts/lint.sh ./server/... checks
# some packages, without what concerns the whole program. scripts/gosec.sh is apart, because it
# takes as long as all of this.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=("${@:-./...}")
export GOFLAGS="${GOFLAGS:-} -trimpath" # as "make build", so that each package is compiled once

unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "$unformatted"; echo "run gofmt -w on these"; exit 1; }
go vet "${packages[@]}"
go tool staticcheck "${packages[@]}"

[ $# -eq 0 ] || exit 0
go run ./test/licenses
scripts/vulnerabilities.sh
