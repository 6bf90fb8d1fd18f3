#!/usr/bin/env bash
# Runs the tests against mutants, prints the survivors and the score, and fails
# if a survivor is not justified in test/mutation/survivors.md.
#
#   scripts/mutation.sh                        every package below and the Redis scripts; takes hours
#   scripts/mutation.sh ./internal/ratelimit   one package
#   scripts/mutation.sh ./server limits.go     some files of a package
#   scripts/mutation.sh lua apply              the Redis scripts, or some of them
#
# GREMLINS_UNLEASH_WORKERS and WORKERS are the numbers of mutants that are tested at
# once (default: one per core).
set -euo pipefail
cd "$(dirname "$0")/.."
gremlins=github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
universalmutator=universalmutator==1.14.1
out=$PWD/bin/mutation
mkdir -p "$out"
go build -o "$out/mutation" ./test/mutation

# Tests of ./server that take longer than a second. The first pass skips them.
slow='^Test(APeerThat|IncompleteRequests|EveryKeyInRedis|CancelsInARow|ExpiryIs|ShutdownWaits|ShutdownEnds|AllTransports|AllHandshakes'
slow+='|AScannedCode|ARefusedGuesser|PagesAt|GuessesOf|LostCodes|WaitingHandshakes|AnOpenSocketCreates|AReconnecting|RequestsAre|ARolling|AStore|Refresh'
slow+='|ManyPolling|ManyLogins|AnUnavailable|CodesExpire|AWatching|TwoNodesTogether|HostileClients|AFloodOfCodes|AFull|RequestsDoNot'
slow+='|TheDefaultLimitsFitIntoThe|PartOfA|OneNetwork|ASiteIs|CodesOfASite|ANodeThat|TheTimeoutFor|Sockets|ConnectionsAre)'

# judge name argument…: tests the mutants again that are not known to be killed.
judge() {
  local name=$1
  shift
  "$out/mutation" -workers "${WORKERS:-$(nproc)}" -out "$out/$name.json" "$@" 2>"$out/$name.log"
}

# The first pass is gremlins with the package's quick tests. Mutants that survive, time
# out or count as not covered (gremlins does not see the conditions of "case") are
# tested again with the tests of all stages.
package() {
  local dir=$1 name stages exclude=(-E /) timeout=1m flags="-count=1 -vet=off"
  shift
  name=$(basename "$dir")
  case $dir in
  ./session) stages=("./session ./session/memstore" "-run TestRedisConformance/Single ./session/redisstore") ;;
  ./internal/login | ./internal/risk | ./server/push | ./internal/expiry) stages=("$dir" "-skip=$slow ./server" "./server") timeout=6m ;;
  ./server) stages=("-skip=$slow $dir" "$dir") timeout=6m flags+=" -skip=$slow" ;;
  *) stages=("$dir") ;;
  esac
  if [ $# -gt 0 ]; then
    for file in "$dir"/*.go; do
      [[ " $* " == *" $(basename "$file") "* ]] || exclude+=(-E "^$(basename "$file" .go)\\.go\$")
    done
  fi
  GOFLAGS=$flags go run "$gremlins" unleash "$dir" "${exclude[@]}" -o "$out/$name.gremlins.json" >"$out/$name.gremlins.log" || return 1
  judge "$name" -timeout "$timeout" -dir "${dir#./}" -gremlins "$out/$name.gremlins.json" "${stages[@]/#/-stage=}"
}

# universalmutator makes the mutants. The quick tests of a script on a single Redis
# run before all tests of the package.
lua() {
  [ -x "$out/venv/bin/mutate" ] || { python3 -m venv "$out/venv" && "$out/venv/bin/pip" install -q "$universalmutator"; }
  local dir script name quick failed=0
  for script in session/redisstore/*.lua internal/ratelimit/*.lua internal/kv/*.lua internal/webhook/queue/*.lua; do
    dir=$(dirname "$script")
    name=$(basename "$script" .lua)
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
    case $dir in
    session/redisstore) quick='(TestRedisConformance|TestEveryKey|TestScripts|TestEachScript|TestARetryWrites|TestSwapScript)/Single' ;;
    internal/ratelimit) quick='(TestRedisConformance|TestScripts|TestPeek)/Single' ;;
    internal/webhook/queue) quick='(TestRedisConformance|TestDone)/Single' ;;
    *) quick='(TestRedisConformance|TestHashes|TestInvalid|TestEachVersion|TestDocumentScript)/Single' ;;
    esac
    rm -rf "$out/lua.$name"
    mkdir "$out/lua.$name"
    "$out/venv/bin/mutate" "$script" none --only scripts/lua.rules --noCheck --mutantDir "$out/lua.$name" >"$out/lua.$name.universalmutator.log" || return 1
    judge "lua.$name" -timeout 2m -dir "$dir" -universalmutator "$out/lua.$name" -stage "-run $quick ./$dir" -stage "./$dir" || failed=1
  done
  return $failed
}

case ${1:-all} in
all)
  failed=0
  for dir in ./session ./internal/ratelimit ./internal/identity ./internal/risk ./internal/login ./server; do package "$dir" || failed=1; done
  lua || failed=1
  exit $failed
  ;;
lua) shift && lua "$@" ;;
*) package "${1%/}" "${@:2}" ;;
esac
