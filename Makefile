# CGO is never used; -race alone needs it, for the detector itself.
export CGO_ENABLED = 0

.PHONY: build test race integration fuzz generate lint bench

build:
	go build -trimpath -o bin/firesteel ./cmd/firesteel

test: lint
	go test ./...

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt these: $$unformatted"; exit 1; }
	go vet ./...

race:
	CGO_ENABLED=1 go test -race ./...

integration: build
	FIRESTEEL_INTEGRATION=1 go test -count=1 -timeout 40m -v ./internal/integration

fuzz:
	./internal/lint/fuzz.sh 20s

generate:
	go generate ./...

bench: build
	FIRESTEEL_BENCH=1 go test -count=1 -timeout 40m -v -run Bench ./internal/integration
