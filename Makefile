# Only the race detector uses cgo.
export CGO_ENABLED = 0

.PHONY: build test race integration check fuzz generate lint bench

build:
	go build -trimpath -o bin/firesteel ./cmd/firesteel

# lint has run go vet, so go test does not run it again.
test: lint
	go test -vet=off ./...

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt these: $$unformatted"; exit 1; }
	go vet ./...
	go tool -modfile=internal/lint/tools/go.mod staticcheck ./...

# The runs of go test, for internal/ci. The integration tests take longest, so they
# start first. The other runs compute while these wait for servers.
whole = FIRESTEEL_INTEGRATION=1 -vet=off -timeout 60m -parallel 3 ./internal/integration
parts = FIRESTEEL_INTEGRATION=1 -vet=off -timeout 30m $$(go list ./... | grep -v /internal/integration$$)
# The client, against the oldest Spark that it supports.
oldest = FIRESTEEL_INTEGRATION=1 FIRESTEEL_SPARK_VERSION=3.5.1 -vet=off -timeout 30m ./spark ./spark/functions
# The packages in which goroutines share memory.
raced = CGO_ENABLED=1 -vet=off -race ./worker/... ./spark ./internal/engine ./internal/engine/nn ./internal/endpoint ./ai ./internal/job ./internal/ledger ./internal/network/fetch \
	-- CGO_ENABLED=1 -vet=off -race -run "Goroutines|Concurrent" ./internal/grammar ./internal/tokenizer

race:
	go run ./internal/ci $(raced)

integration:
	go run ./internal/ci -at-once 2 -spark default,3.5.1 $(whole) -- $(parts) -- $(oldest)

# All tests.
check: lint
	go run ./internal/ci -at-once 2 -spark default,3.5.1 $(whole) -- $(parts) -- $(oldest) -- $(raced)

fuzz:
	./internal/lint/fuzz.sh 40000

generate:
	go generate ./...

bench:
	go run ./bench/sparkpath
