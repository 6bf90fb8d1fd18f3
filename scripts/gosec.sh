#!/usr/bin/env bash
# Searches the source for security mistakes. scripts/gosec.sh ./server/... checks some packages.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=("${@:-./...}")
export GOFLAGS="${GOFLAGS:-} -trimpath" # as "make build", so that each package is compiled once

# Excluded: programs and packages that only test and measure. They start processes, read
# files and use weak random numbers by design. Fix a finding, or explain it in its line with
# "#nosec Gxxx -- reason".
excluded='test/(chaos|attack|licenses|proxy|mutation)|internal/(process|redistest)|session/sessiontest|internal/kv/kvtest|server/push/wsconn/wsconntest'
go -C test/gosec build -o ../../bin/gosec .
go list "${packages[@]}" | grep -vE "^github.com/scanlogin/scanlogin/($excluded)(/|\$)" | xargs go vet -vettool="$PWD/bin/gosec"
[ $# -eq 0 ] || exit 0
(cd examples/go && go vet -vettool="$OLDPWD/bin/gosec" ./...)
