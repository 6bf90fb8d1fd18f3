#!/usr/bin/env bash
# Runs make targets one after the other and prints the duration of each:
# scripts/stages.sh unit lint+ attack-short chaos-short+ e2e
#
# A target with "+" runs beside the ones after it: chaos, attack and end-to-end tests wait
# for much of their time. Its output follows when it has ended.
set -euo pipefail
times=()
declare -A beside=() # targets that run beside others, by process id
declare -A began=()
logs=$(mktemp -d)

# report waits for a target that runs beside others, and prints its output and duration.
report() {
  local pid=$1 target=${beside[$1]} status=0
  wait "$pid" || status=$?
  unset "beside[$pid]"
  cat "$logs/$target"
  times+=("$target $((SECONDS - began[$pid])) s beside others")
  [ "$status" -eq 0 ] || { echo "make $target failed" >&2; exit "$status"; }
}

# Each target beside others is a process group of its own, so that nothing of it is left.
cleanup() {
  for pid in "${!beside[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
  rm -rf "$logs"
}
trap cleanup EXIT

for stage in "$@"; do
  target=${stage%+}
  if [ "$stage" != "$target" ]; then
    set -m
    "${MAKE:-make}" --no-print-directory "$target" >"$logs/$target" 2>&1 </dev/null &
    set +m
    beside[$!]=$target began[$!]=$SECONDS
    continue
  fi
  start=$SECONDS
  "${MAKE:-make}" --no-print-directory "$target"
  times+=("$target $((SECONDS - start)) s")
  for pid in "${!beside[@]}"; do
    kill -0 "$pid" 2>/dev/null || report "$pid"
  done
done
for pid in "${!beside[@]}"; do report "$pid"; done
printf 'make test: %s\n' "$(IFS=,; echo "${times[*]}")"
