// Package pb holds the messages of Spark Connect's protocol that the client uses.
//
// The .proto files were written for this package. Package names, message names,
// field names, numbers and types are those of the protocol, taken from the file
// descriptors in the PyPI packages pyspark 3.5.1, 4.0.5 and 4.3.0
// (pyspark/sql/connect/proto/*_pb2.py). A field that is missing here is ignored
// when a message is read, and preserved when the message is sent back. To use
// more of the protocol, add messages and fields with their upstream names and
// numbers. A number never changes.
//
// Because the names are those of upstream, a program cannot link another Go
// package that was generated from upstream's files: protobuf does not allow two
// messages of the same name.
package pb

// Generated with protoc 3.21.12, protoc-gen-go v1.36.12, protoc-gen-go-grpc v1.6.2.
//go:generate protoc --proto_path=../../.. --go_out=../../.. --go_opt=paths=source_relative --go-grpc_out=../../.. --go-grpc_opt=paths=source_relative spark/internal/pb/types.proto spark/internal/pb/catalog.proto spark/internal/pb/expressions.proto spark/internal/pb/relations.proto spark/internal/pb/commands.proto spark/internal/pb/base.proto
