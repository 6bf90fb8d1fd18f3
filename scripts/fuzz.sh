#!/usr/bin/env bash
# Runs every fuzz target for a number of inputs: scripts/fuzz.sh 20000x
#
# A time limit is not used: when it ends, "go test" sometimes reports "context
# deadline exceeded" as a failure (Go 1.26 on a busy machine).
set -euo pipefail
inputs=${1:?number of inputs, such as 20000x}
grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do
  grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/func //' | while read -r target; do
    echo "== $dir $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$inputs" "$dir"
  done
done
