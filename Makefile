# Development tasks; see CONTRIBUTING.md.

.PHONY: help build test test-all tools lint gosec notice install-check unit e2e chaos-short chaos fuzz-short fuzz mutation attack-short attack bench bench-go graph web screenshots release clean

FUZZTIME ?= 2000000x
CHAOSTIME ?= 15m

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' Makefile

build: ## build bin/scanlogin
	go build -trimpath -o bin/scanlogin ./cmd/scanlogin

test: ## run everything that must pass; installs missing tools and prints the seconds of each stage
	@scripts/stages.sh tools unit lint+ attack-short chaos-short+ e2e

test-all: ## make test with all variations of the end-to-end tests, the fuzz targets and gosec
	@SCANLOGIN_TEST_ALL=1 scripts/stages.sh tools unit install-check lint+ gosec+ fuzz-short attack-short chaos-short+ e2e

tools: ## install the programs that the tests need: Redis, a browser, proxies …
	scripts/tools.sh

lint: ## run gofmt, vet, staticcheck, the license check, and the vulnerability checks whose databases can be reached
	nice -n 19 scripts/lint.sh

gosec: ## search the source for security mistakes
	nice -n 19 scripts/gosec.sh

notice: ## write NOTICE, the licenses of what is distributed
	go run ./test/licenses -write

install-check: ## install the last commit with "go install", from a module proxy made of it
	go run ./test/proxy

# Without vet, which lint runs for all packages. The packages that wait longest are first, so that others run beside them.
unit: ## run the Go tests with the race detector; more run at once than there are cores, because many of them wait
	go test -race -vet=off -p 4 -parallel 8 -timeout 40m ./test/topology ./server ./...
	cd test/kubernetes && go vet ./... && go test -timeout 15m ./...

e2e: build ## run the end-to-end tests of the binary: browser, other clients, the transcripts and snippets of docs
	cd test/e2e && npm ci --no-audit --no-fund && SCANLOGIN_BIN="$(CURDIR)/bin/scanlogin" node --test --test-concurrency=3

bin/bench: FORCE
	cd bench && go build -o ../$@ .
bin/scanchaos: FORCE
	go build -trimpath -o $@ ./test/chaos
bin/attack: FORCE
	go build -trimpath -o $@ ./test/attack
FORCE:

chaos-short: build bin/scanchaos ## run simulated logins under injected faults for a minute and check the guarantees
	bin/scanchaos run --redis single --duration 60s --scenarios 60 --first flushall,node-term,pubsub-kill,node-kill,silence,redis-kill,redis-stop

chaos: build bin/scanchaos ## chaos-short on each Redis mode, for CHAOSTIME each
	for mode in single sentinel cluster; do bin/scanchaos run --redis $$mode --duration $(CHAOSTIME) || exit 1; done

attack-short: build bin/attack ## run the attacks of the threat model, a few seconds each
	bin/attack --short

attack: build bin/attack ## run the attacks at full length; BEFORE=path compares with an older binary
	bin/attack $(if $(BEFORE),--before $(BEFORE)) --out bin/attack.md

fuzz-short: ## run each fuzz target for a few seconds
	scripts/fuzz.sh 20000x

fuzz: ## run each fuzz target with FUZZTIME inputs; takes minutes each
	scripts/fuzz.sh $(FUZZTIME)

mutation: ## run the tests against mutants, which takes hours; for a part: PACKAGE=./internal/ratelimit, PACKAGE=./server FILES="limits.go" or PACKAGE=lua
	scripts/mutation.sh $(PACKAGE) $(FILES)

# What bench compares with: the last commit before the work on performance. Empty: nothing.
BENCH_BEFORE ?= bin/scanlogin-6f0283d

bin/scanlogin-%: # a binary of another commit
	tmp=$$(mktemp -d) && trap 'git worktree remove --force "$$tmp/src"; rm -rf "$$tmp"' EXIT && \
	git worktree add --quiet --detach "$$tmp/src" $* && go build -C "$$tmp/src" -trimpath -o "$(CURDIR)/$@" ./cmd/scanlogin

bench: build bin/bench $(BENCH_BEFORE) ## measure scanlogin, its peers and an older scanlogin, and write docs/benchmarks.md; BENCH=quick takes a few minutes
	cd bench && go vet ./... && go test -timeout 15m ./...
	bin/bench run $(if $(filter quick,$(BENCH)),--quick) $(if $(BENCH_BEFORE),--before $(BENCH_BEFORE))

bench-go: ## run the Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

graph: ## write the import graph in CONTRIBUTING.md
	go test -count=1 -run '^TestContributingHasTheImportGraph$$' ./internal/architecture -update

web: ## bundle the login element: web/src to web/scanlogin.js
	go generate ./web

screenshots: build ## take the pictures of the README: docs/screenshots
	cd test/e2e && npm ci --no-audit --no-fund && SCANLOGIN_BIN="$(CURDIR)/bin/scanlogin" node screenshots.mjs ../../docs/screenshots

release: ## build the archives of a release, their SBOMs and checksums in dist/; see docs/release.md
	scripts/release.sh

clean: ## remove everything that was built
	rm -rf bin dist test/e2e/node_modules
