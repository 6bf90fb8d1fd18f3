#!/usr/bin/env bash
# Runs every fuzz target with so many inputs: scripts/fuzz.sh 20000x
#
# Not for a time: when that is over, "go test" at times reports "context deadline
# exceeded" as a failure (seen with Go 1.26 on a busy machine).
set -euo pipefail
inputs=${1:?how many inputs, as in 20000x}
grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do
  grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/func //' | while read -r target; do
    echo "== $dir $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$inputs" "$dir"
  done
done
