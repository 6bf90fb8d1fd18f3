# What there is to do with scanlogin's source; see CONTRIBUTING.md.

.PHONY: build test test-all tools lint unit e2e chaos-short chaos fuzz-short fuzz mutation attack-short attack bench bench-go release clean

FUZZTIME ?= 2000000x
CHAOSTIME ?= 15m

build: ## the binary, in bin/
	go build -trimpath -o bin/scanlogin ./cmd/scanlogin

test: ## all that must be green; installs what it needs, and prints the seconds of each stage
	@scripts/stages.sh tools lint unit chaos-short attack-short e2e

test-all: ## the same with every variation of a story, and each fuzz target
	@SCANLOGIN_TEST_ALL=1 scripts/stages.sh tools lint unit fuzz-short chaos-short attack-short e2e

tools: ## what the tests run that is not Go: Redis, a browser, a proxy …
	scripts/tools.sh

# Excluded: programs and packages that only test and measure. They start processes,
# read files and use weak random numbers by design.
GOSEC = go run github.com/securego/gosec/v2/cmd/gosec@v2.30.0 -quiet \
	-exclude-dir=test/chaos -exclude-dir=bench -exclude-dir=test/attack -exclude-dir=internal/process \
	-exclude-dir=session/sessiontest -exclude-dir=internal/redistest -exclude-dir=test/mutation

lint: ## form, vet, staticcheck, and gosec, whose findings are mended, or argued where they are: "#nosec Gxxx -- reason"
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	$(GOSEC) ./...

unit: ## Go's tests, under the race detector; many of them wait, so more run at once than there are cores
	go test -race -p 4 -parallel 8 -timeout 40m ./...
	cd test/kubernetes && go vet ./... && go test -timeout 15m ./...

e2e: build ## the binary from outside: browser, foreign clients, the README's transcripts
	cd test/e2e && npm ci --no-audit --no-fund && SCANLOGIN_BIN="$(CURDIR)/bin/scanlogin" node --test --test-concurrency=2

bin/bench: FORCE
	cd bench && go build -o ../$@ .
bin/scanchaos: FORCE
	go build -o $@ ./test/chaos
bin/attack: FORCE
	go build -o $@ ./test/attack
FORCE:

chaos-short: build bin/scanchaos ## logins under injected faults for a minute, checked against the guarantees
	bin/scanchaos run --redis single --duration 60s --scenarios 60 --first flushall,node-term,pubsub-kill,node-kill,silence,redis-kill,redis-stop

chaos: build bin/scanchaos ## the same on each Redis mode, for CHAOSTIME each
	for mode in single sentinel cluster; do bin/scanchaos run --redis $$mode --duration $(CHAOSTIME) || exit 1; done

attack-short: build bin/attack ## the attacks of the threat model, a few seconds each
	bin/attack --short

attack: build bin/attack ## the same at full length; BEFORE=path compares with an older binary
	bin/attack $(if $(BEFORE),--before $(BEFORE)) --out bin/attack.md

fuzz-short: ## each fuzz target for some seconds
	scripts/fuzz.sh 20000x

fuzz: ## each fuzz target with FUZZTIME inputs, which takes minutes for each
	scripts/fuzz.sh $(FUZZTIME)

mutation: ## run the tests against mutants: hours for all; PACKAGE=./internal/ratelimit, PACKAGE=./server FILES="limits.go" or PACKAGE=lua for a part
	scripts/mutation.sh $(PACKAGE) $(FILES)

bench: build bin/bench ## measure scanlogin and its peers, and write docs/benchmarks.md; BENCH=quick takes some minutes
	cd bench && go vet ./... && go test -timeout 15m ./...
	bin/bench run $(if $(filter quick,$(BENCH)),--quick)

bench-go: ## Go's benchmarks
	go test -run '^$$' -bench . -benchmem ./...

release: ## static binaries and their checksums, in dist/
	scripts/release.sh

clean:
	rm -rf bin dist test/e2e/node_modules
