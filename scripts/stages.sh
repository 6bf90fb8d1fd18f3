#!/usr/bin/env bash
# Runs make targets one after the other and prints the duration of each:
# scripts/stages.sh lint unit …
set -euo pipefail
times=()
for stage in "$@"; do
  began=$SECONDS
  "${MAKE:-make}" --no-print-directory "$stage"
  times+=("$stage $((SECONDS - began)) s")
done
printf 'make test: %s\n' "$(IFS=,; echo "${times[*]}")"
