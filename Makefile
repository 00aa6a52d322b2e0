# CGO is never used; -race alone needs it, for the detector itself.
export CGO_ENABLED = 0

.PHONY: build test race integration check fuzz generate lint bench

build:
	go build -trimpath -o bin/firesteel ./cmd/firesteel

test: lint
	go test ./...

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt these: $$unformatted"; exit 1; }
	go vet ./...
	go tool -modfile=internal/lint/tools/go.mod staticcheck ./...

# Goroutines meet in these packages.
race:
	CGO_ENABLED=1 go test -race ./worker/... ./spark ./internal/engine ./internal/engine/nn ./internal/endpoint ./ai ./internal/job ./internal/ledger ./internal/network/fetch
	CGO_ENABLED=1 go test -race -run "Goroutines|Concurrent" ./internal/grammar ./internal/tokenizer

# All tests, with real Spark servers and the real model; then the client's
# against the oldest Spark that it speaks to.
integration:
	FIRESTEEL_INTEGRATION=1 go test -timeout 75m ./...
	FIRESTEEL_INTEGRATION=1 FIRESTEEL_SPARK_VERSION=3.5.1 go test -timeout 30m ./spark

check: lint integration race

fuzz:
	./internal/lint/fuzz.sh 40000

generate:
	go generate ./...

bench:
	go run ./bench/sparkpath
