# make run    builds everything and starts Footfall with a demo site at http://localhost:8080
# make test   the whole test suite that needs no cluster
# make check  format, vet, staticcheck, layout rules, fast tests: run it before each commit
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

CACHE ?= $(HOME)/.cache/footfall
export npm_config_cache ?= $(CACHE)/npm
export npm_config_audit = false
export npm_config_fund = false
GO ?= go
MVN ?= mvn -q -B
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
CHROMIUM ?= /usr/bin/chromium

# The chromium that the browser tests drive. Debian's package: a browser that a test tool downloads itself is not pinned here.
.PHONY: deps-browser
deps-browser:
	@test -x $(CHROMIUM) || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; }

sdk/js/node_modules/.stamp: sdk/js/package.json sdk/js/package-lock.json
	cd sdk/js && npm ci --no-progress && touch node_modules/.stamp
web/node_modules/.stamp: web/package.json web/package-lock.json
	cd web && npm ci --no-progress && touch node_modules/.stamp

sdk/js/dist/.stamp: sdk/js/node_modules/.stamp $(shell find sdk/js/src sdk/js/scripts -type f 2>/dev/null)
	cd sdk/js && npm run build && touch dist/.stamp
web/dist/.stamp: web/node_modules/.stamp web/index.html web/vite.config.ts $(shell find web/src web/public -type f 2>/dev/null)
	cd web && npm run build && touch dist/.stamp

.PHONY: assets
assets: sdk/js/dist/.stamp web/dist/.stamp

.PHONY: build
build: assets
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/footfall ./cmd/footfall

.PHONY: run
run: build
	bin/footfall serve --demo --listen 127.0.0.1:8080

# The jobs of a cluster, with their tests. Maven keeps what it fetched in its own cache.
jobs/realtime/target/footfall-realtime.jar: jobs/realtime/pom.xml $(shell find jobs/realtime/src internal/stream/testdata/sessions -type f 2>/dev/null) \
  test/conformance/testdata/sessions.txt test/conformance/testdata/duplicates.txt
	$(MVN) -f jobs/realtime package && touch $@
.PHONY: jobs
jobs: jobs/realtime/target/footfall-realtime.jar

.PHONY: fmt
fmt:
	git ls-files '*.go' | xargs gofmt -w

.PHONY: vet
vet: assets
	@bad=$$(git ls-files '*.go' | xargs gofmt -l); test -z "$$bad" || { echo "gofmt: $$bad"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# Everything that is quick: -short leaves out the kills, the long random histories and the browser.
.PHONY: check
check: vet
	$(GO) test -short -parallel 8 ./...

.PHONY: test-go
test-go: build
	$(GO) test -timeout 30m -parallel 8 ./...

.PHONY: test-sdk
test-sdk: sdk/js/dist/.stamp deps-browser
	cd sdk/js && npm test

.PHONY: test-web
test-web: web/dist/.stamp deps-browser
	cd web && npm run check && npm test

# The real binary, the real SDK and the dashboard in a real browser.
test/browser/node_modules/.stamp: test/browser/package.json test/browser/package-lock.json
	cd test/browser && npm ci --no-progress && touch node_modules/.stamp
.PHONY: test-browser
test-browser: build test/browser/node_modules/.stamp deps-browser
	cd test/browser && npm test

# The pictures in docs/img.
.PHONY: screenshots
screenshots: build test/browser/node_modules/.stamp deps-browser
	cd test/browser && npm run screenshots

.PHONY: test
test: deps-browser vet test-sdk test-web test-browser test-go

# The engines of a cluster on loopback: test/engines/README.md.
.PHONY: engines-up engines-down
engines-up:
	@CACHE='$(CACHE)' test/engines/up.sh
.PHONY: engines-up-lake
engines-up-lake: engines-up
	@CACHE='$(CACHE)' test/engines/up.sh s3 druid spark
engines-down:
	@CACHE='$(CACHE)' test/engines/down.sh

# The tests that need the engines of a cluster; make test skips them. Some start engines of their own, to kill them. Those of the lake need
# S3, Druid and Spark beside, which come later: five more JVMs slow the others down.
CLUSTER_TESTS ?= ./internal/eventlog/kafka ./internal/redis/... ./internal/cache/... ./internal/session/... ./internal/live/... \
  ./internal/account ./internal/store/clickhouse ./internal/app
LAKE_TESTS ?= ./internal/object/... ./internal/lake ./internal/store/druid ./internal/batch ./internal/app
CLUSTER_ENV = CACHE='$(CACHE)' FOOTFALL_TEST_ENGINES=1 FOOTFALL_TEST_CLUSTER=1 \
  FOOTFALL_TEST_KAFKA=127.0.0.1:$${FOOTFALL_ENGINES_KAFKA_PORT:-19092} \
  FOOTFALL_TEST_CLICKHOUSE=127.0.0.1:$${FOOTFALL_ENGINES_CLICKHOUSE_NATIVE_PORT:-19009} \
  FOOTFALL_TEST_REDIS=127.0.0.1:$${FOOTFALL_ENGINES_REDIS_PORT:-16379} FOOTFALL_TEST_REDIS_BINARY='$(CACHE)/engines/redis/redis-server' \
  FOOTFALL_TEST_POSTGRES="postgres://footfall@127.0.0.1:$${FOOTFALL_ENGINES_POSTGRES_PORT:-15432}/footfall?sslmode=disable"
LAKE_ENV = $(CLUSTER_ENV) FOOTFALL_TEST_S3=http://127.0.0.1:$${FOOTFALL_ENGINES_S3_PORT:-19000} FOOTFALL_TEST_SPARK='$(CACHE)/engines/spark/dist' \
  FOOTFALL_TEST_DRUID=http://127.0.0.1:$${FOOTFALL_ENGINES_DRUID_BROKER_PORT:-19082},http://127.0.0.1:$${FOOTFALL_ENGINES_DRUID_COORDINATOR_PORT:-19081}
.PHONY: test-cluster
test-cluster: build jobs engines-up
	@code=0; { $(CLUSTER_ENV) $(GO) test -short -count=1 -p 1 -timeout 30m $(CLUSTER_TESTS) && \
	  $(CLUSTER_ENV) $(GO) test -short -count=1 -v -timeout 40m ./test/cluster && \
	  $(MAKE) --no-print-directory engines-up-lake && \
	  $(LAKE_ENV) $(GO) test -short -count=1 -p 1 -timeout 30m $(LAKE_TESTS) && \
	  $(LAKE_ENV) $(GO) test -short -count=1 -v -timeout 30m ./test/cluster -run TestLongRanges; } || code=1; \
	$(MAKE) --no-print-directory engines-down; exit $$code

# The long version: everything above without shortening, the random histories through Flink, each part killed ten times, ClickHouse away for three minutes, the daily
# job under faults, and the real-time job recounted beside a killed TaskManager.
.PHONY: test-cluster-full
test-cluster-full: build jobs engines-up
	@code=0; { $(CLUSTER_ENV) $(GO) test -count=1 -p 1 -timeout 60m $(CLUSTER_TESTS) && \
	  $(CLUSTER_ENV) $(GO) test -count=1 -v -timeout 180m ./test/cluster -rounds 10 -outage 3m && \
	  CACHE='$(CACHE)' $(GO) test -count=1 -v -timeout 30m ./test/realtime -args -kafka 127.0.0.1:$${FOOTFALL_ENGINES_KAFKA_PORT:-19092} \
	    -flink http://127.0.0.1:$${FOOTFALL_ENGINES_FLINK_REST_PORT:-18081} -fault '../engines/kill.sh flink-taskmanager && ../engines/up.sh flink' && \
	  $(MAKE) --no-print-directory engines-up-lake && \
	  $(LAKE_ENV) $(GO) test -count=1 -p 1 -timeout 60m $(LAKE_TESTS) && \
	  $(LAKE_ENV) $(GO) test -count=1 -v -timeout 60m ./test/cluster -run 'TestLongRanges|TestRetentionInLongRanges' && \
	  $(LAKE_ENV) $(GO) test -short -count=1 -v -timeout 60m ./test/cluster -run TestLongRanges -days 365 && \
	  $(LAKE_ENV) $(GO) test -count=1 -v -timeout 60m ./test/batch; } || code=1; \
	$(MAKE) --no-print-directory engines-down; exit $$code

# Figures, not checks: prints CPU per event and query times.
.PHONY: bench
bench: build
	$(GO) run ./test/bench -binary bin/footfall

.PHONY: fuzz
fuzz:
	for pkg in event eventlog/kafka enrich collect live/redis query sketch; do \
	  for f in $$($(GO) test -list '^Fuzz' ./internal/$$pkg | grep '^Fuzz'); do \
	    $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $${FUZZTIME:-20s} ./internal/$$pkg; done; done

.PHONY: clean
clean:
	rm -rf bin web/dist/* sdk/js/dist/* jobs/*/target
