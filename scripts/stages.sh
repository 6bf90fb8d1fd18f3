#!/usr/bin/env bash
# Runs make targets one after the other and prints the duration of each:
# scripts/stages.sh unit lint+ chaos-short …
#
# A target with "+" runs beside the ones after it, with the lowest priority: chaos, attack and
# end-to-end tests leave a part of the processors idle. Its output follows when it has ended.
set -euo pipefail
times=()
background='' pid='' log=$(mktemp)

# report waits for the background target, and prints its output and duration.
report() {
  local status=0
  wait "$pid" || status=$?
  pid=''
  cat "$log"
  times+=("$background $((SECONDS - background_began)) s beside others")
  [ "$status" -eq 0 ] || { echo "make $background failed" >&2; exit "$status"; }
}

# The background target is a process group of its own, so that nothing of it is left.
cleanup() {
  [ -z "$pid" ] || kill -- "-$pid" 2>/dev/null || true
  rm -f "$log"
}
trap cleanup EXIT

for stage in "$@"; do
  if [ "$stage" != "${stage%+}" ]; then
    background=${stage%+} background_began=$SECONDS
    set -m
    nice -n 19 "${MAKE:-make}" --no-print-directory "$background" >"$log" 2>&1 </dev/null &
    pid=$!
    set +m
    continue
  fi
  began=$SECONDS
  "${MAKE:-make}" --no-print-directory "$stage"
  times+=("$stage $((SECONDS - began)) s")
  if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then report; fi
done
if [ -n "$pid" ]; then report; fi
printf 'make test: %s\n' "$(IFS=,; echo "${times[*]}")"
