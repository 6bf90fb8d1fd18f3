#!/usr/bin/env bash
# Checks the source without running it: format, vet, staticcheck, gosec, licenses, and known
# vulnerabilities where their databases can be reached. scripts/lint.sh ./server/... checks
# some packages, without what concerns the whole program.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=("${@:-./...}")
export GOFLAGS="${GOFLAGS:-} -trimpath" # as "make build", so that each package is compiled once

unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "$unformatted"; echo "run gofmt -w on these"; exit 1; }
go vet "${packages[@]}"
go tool staticcheck "${packages[@]}"

# Excluded: programs and packages that only test and measure. They start processes, read
# files and use weak random numbers by design. Fix a finding, or explain it in its line with
# "#nosec Gxxx -- reason".
excluded=(test/chaos bench test/attack test/licenses test/proxy internal/process session/sessiontest internal/redistest server/push/wsconn/wsconntest test/mutation)
go run github.com/securego/gosec/v2/cmd/gosec@v2.30.0 -quiet "${excluded[@]/#/-exclude-dir=}" "${packages[@]}"

[ $# -eq 0 ] || exit 0
go run ./test/licenses
scripts/vulnerabilities.sh
