# provstation: `make help` lists what there is.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
CACHE    := $(CURDIR)/.cache
BIN      := $(CURDIR)/bin
TOOLS    := $(CACHE)/bin
LDFLAGS  := -s -w -X main.version=$(VERSION)
BUILD    := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
# Of the agent: a box needs no HTTP/2 for its renewals, and 400 KB less fit it better.
AGENTTAGS := nethttpomithttp2
# Seconds per fuzz target in `make fuzz`.
FUZZTIME ?= 20s
# Of `make faults`: how many runs, drawn from which seed, how many stations at a time.
N        ?= 10000
SEED     ?= random
PARALLEL ?= 48
# Debian packages whose programs the integration tests run.
DEBIAN   := mosquitto mosquitto-clients socat openssl postgresql nginx swtpm tpm2-openssl libtss2-tcti-cmd0 busybox-static sudo \
	gcc libc6-dev libmbedtls-dev

# Of `make test-vm`: which tests, how long at most, in which packages.
VM         ?= ^TestVM
VMTIMEOUT  ?= 40m
VMPACKAGES ?= ./station/stationtest/vm ./cmd/provstation
# And those that the virtual machines of `make test-vm` need beside.
DEBIANVM := qemu-system-x86 e2fsprogs
# Of the packages that `make dist` makes: who answers for them.
MAINTAINER ?= provstation maintainers <maintainers@provstation.example>
# Of `make bench-compare`: which benchmarks of which packages, how often each, held against what.
BENCH      ?= .
PKGS       ?= ./serialproto/... ./station/pki ./station/words ./tui/...
COUNT      ?= 6
BASE       ?= main
# Where `make dist` puts what it makes.
DIST       ?= dist
# Debian packages that `make dist` and its test run.
PACKAGERS := zip unzip rpm lintian man-db udev dpkg

export PATH := $(TOOLS):$(PATH)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## the whole bench on this machine: embedded tenant stack, 8 virtual devices, on screen
	@CGO_ENABLED=0 $(GO) run -ldflags '$(LDFLAGS)' ./cmd/provstation demo $(ARGS)

.PHONY: build
build: ## build bin/provstation, bin/provagent and bin/provagent-tpm (keys in a TPM) for this machine
	$(BUILD) -o $(BIN)/provstation ./cmd/provstation
	$(BUILD) -tags $(AGENTTAGS) -o $(BIN)/provagent ./cmd/provagent
	$(BUILD) -tags tpm,$(AGENTTAGS) -o $(BIN)/provagent-tpm ./cmd/provagent

.PHONY: deps
deps: ## install the Debian packages the tests run (with apt-get, when that is allowed)
	@missing=; for p in mosquitto mosquitto_pub socat openssl nginx swtpm busybox sudo gcc; do \
	  PATH="$$PATH:/usr/sbin:/sbin" command -v $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	ls /usr/lib/*/ossl-modules/tpm2.so /usr/lib/*/libtss2-tcti-cmd.so.0 >/dev/null 2>&1 || missing="$$missing tpm2-openssl"; \
	[ -f /usr/include/mbedtls/pk.h ] && [ -f /usr/include/stdio.h ] || missing="$$missing libmbedtls-dev"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	echo "missing:$$missing"; \
	if ! command -v apt-get >/dev/null 2>&1; then echo "no apt-get here: tests that need them are skipped"; exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo='sudo -n'; \
	else echo "not allowed to install; run: sudo apt-get install $(DEBIAN)"; exit 0; fi; \
	$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $(DEBIAN) >/dev/null

$(TOOLS)/step-ca: tools/go.mod tools/go.sum
	@echo "building step-ca (about two minutes the first time)"
	@mkdir -p $(TOOLS)
	@CGO_ENABLED=0 $(GO) build -C tools -o $@ github.com/smallstep/certificates/cmd/step-ca

$(TOOLS)/step: tools/go.mod tools/go.sum
	@echo "building the step CLI (about two minutes the first time)"
	@mkdir -p $(TOOLS)
	@CGO_ENABLED=0 $(GO) build -C tools -o $@ github.com/smallstep/cli/cmd/step

$(TOOLS)/gofumpt: tools/go.mod tools/go.sum
	@mkdir -p $(TOOLS)
	@CGO_ENABLED=0 $(GO) build -C tools -o $@ mvdan.cc/gofumpt

$(TOOLS)/golangci-lint: tools/go.mod tools/go.sum
	@mkdir -p $(TOOLS)
	@CGO_ENABLED=0 $(GO) build -C tools -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(TOOLS)/nfpm: tools/dist/go.mod tools/dist/go.sum
	@mkdir -p $(TOOLS)
	@CGO_ENABLED=0 $(GO) build -C tools/dist -trimpath -o $@ github.com/goreleaser/nfpm/v2/cmd/nfpm

$(TOOLS)/cyclonedx-gomod: tools/dist/go.mod tools/dist/go.sum
	@mkdir -p $(TOOLS)
	@CGO_ENABLED=0 $(GO) build -C tools/dist -trimpath -o $@ github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

$(TOOLS)/benchstat: tools/go.mod tools/go.sum
	@mkdir -p $(TOOLS)
	@CGO_ENABLED=0 $(GO) build -C tools -o $@ golang.org/x/perf/cmd/benchstat

.PHONY: test
test: deps $(TOOLS)/step-ca $(TOOLS)/step ## all tests, with the real step-ca, step, mosquitto, nginx, socat, openssl and PostgreSQL
	$(GO) test -timeout 40m -parallel 4 $(ARGS) ./...

.PHONY: deps-vm
deps-vm: deps ## install what test-vm needs: QEMU, and apt's lists to fetch Debian's kernels by
	@missing=; for p in qemu-system-x86_64 mke2fs dpkg-deb; do \
	  PATH="$$PATH:/usr/sbin:/sbin" command -v $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	apt-cache depends linux-image-cloud-amd64 >/dev/null 2>&1 || missing="$$missing apt-lists"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	echo "missing:$$missing"; \
	if ! command -v apt-get >/dev/null 2>&1; then echo "no apt-get here: tests with virtual machines are skipped"; exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo='sudo -n'; \
	else echo "not allowed to install; run: sudo apt-get install $(DEBIANVM)"; exit 0; fi; \
	$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $(DEBIANVM) >/dev/null

.PHONY: test-vm
test-vm: deps-vm $(TOOLS)/step-ca $(TOOLS)/step ## boxes as virtual machines: Debian's kernels under QEMU, the real station on their lines
	$(GO) test -tags vm -count=1 -p 1 -v -timeout $(VMTIMEOUT) -run '$(VM)' $(ARGS) $(VMPACKAGES)

.PHONY: race
race: deps $(TOOLS)/step-ca $(TOOLS)/step ## all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 30m $(ARGS) ./...

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; done; done

.PHONY: faults
faults: ## the fault campaign: N runs drawn from SEED (a number, or random); RUN=K replays one, PLAN=kind:n:k,... with other faults
	FAULTS_N=$(N) FAULTS_SEED=$(SEED) FAULTS_RUN=$(RUN) FAULTS_PLAN=$(PLAN) FAULTS_PARALLEL=$(PARALLEL) \
	  $(GO) test -count=1 -timeout 120m -v -run '^TestCampaign$$' ./station/campaign

.PHONY: fmt
fmt: $(TOOLS)/gofumpt ## format the code
	@git ls-files '*.go' | xargs $(TOOLS)/gofumpt -w

.PHONY: lint
lint: $(TOOLS)/gofumpt $(TOOLS)/golangci-lint ## gofumpt, go vet, golangci-lint
	@out=$$(git ls-files '*.go' | xargs $(TOOLS)/gofumpt -l); [ -z "$$out" ] || { echo "not formatted (make fmt): $$out"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags vm ./station/stationtest/... ./cmd/...
	$(GO) vet -tags tpm ./cmd/provagent
	$(TOOLS)/golangci-lint run ./...
	$(TOOLS)/golangci-lint run --build-tags tpm ./cmd/provagent

.PHONY: cross
cross: ## build for every system and processor that is promised, without cgo
	@set -e; for t in linux/amd64 linux/arm64 linux/arm linux/riscv64 windows/amd64 darwin/amd64 darwin/arm64; do \
	  os=$${t%/*}; arch=$${t#*/}; echo "$$t"; \
	  if [ $$arch != riscv64 ]; then CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -trimpath -o /dev/null ./cmd/provstation; fi; \
	  if [ $$os = linux ]; then CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -trimpath -ldflags '-s -w' -tags $(AGENTTAGS) -o /dev/null ./cmd/provagent; \
	    CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -trimpath -ldflags '-s -w' -tags tpm,$(AGENTTAGS) -o /dev/null ./cmd/provagent; fi; done

.PHONY: dist
dist: $(TOOLS)/nfpm $(TOOLS)/cyclonedx-gomod ## archives, .deb, .rpm, bills of materials and SHA256SUMS in dist/
	@VERSION='$(VERSION)' MAINTAINER='$(MAINTAINER)' TOOLS=$(TOOLS) assets/packaging/build.sh '$(DIST)'

.PHONY: test-dist
test-dist: deps-dist $(TOOLS)/nfpm $(TOOLS)/cyclonedx-gomod ## make dist twice, compare; install, upgrade, remove the packages beside this system (root)
	@MAINTAINER='$(MAINTAINER)' TOOLS=$(TOOLS) assets/packaging/test.sh

.PHONY: deps-dist
deps-dist:
	@missing=; for p in zip unzip rpm lintian man udevadm; do \
	  PATH="$$PATH:/usr/sbin:/sbin" command -v $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ] || ! command -v apt-get >/dev/null 2>&1 || [ "$$(id -u)" != 0 ]; then exit 0; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGERS) >/dev/null

.PHONY: check
check: lint cross race ## what must be clean before a change lands

.PHONY: bench
bench: ## Go benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: bench-compare
bench-compare: $(TOOLS)/benchstat ## the benchmarks of this tree held against those of BASE: BENCH=regex PKGS=packages COUNT=n BASE=branch
	@set -e; old=$$(mktemp -d); trap 'git worktree remove --force $$old/tree; rm -rf $$old' EXIT; \
	git worktree add -q --detach $$old/tree $(BASE); \
	for n in $$(seq $(COUNT)); do \
	  echo "round $$n of $(COUNT)" >&2; \
	  (cd $$old/tree && $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count 1 $(PKGS)) >>$$old/old.txt || \
	    echo "$(BASE) has not all of $(PKGS): what it lacks is not compared" >&2; \
	  $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count 1 $(PKGS) >>$$old/new.txt; done; \
	benchstat $(BASE)=$$old/old.txt here=$$old/new.txt

.PHONY: clean
clean: ## delete what was built
	rm -rf $(BIN) $(CACHE) dist
