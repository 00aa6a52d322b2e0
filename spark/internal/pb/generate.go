// Package pb is the part of Spark Connect's protocol that this program speaks.
//
// The .proto files are written here, not copied: package names, message names,
// field names, numbers and types are facts of the wire, read from the file
// descriptors that the PyPI packages pyspark 3.5.1, 4.0.5 and 4.3.0 carry in
// pyspark/sql/connect/proto/*_pb2.py. A field that is missing here is skipped
// on reading and, where a server's message is sent back, kept as it came.
// To speak more of the protocol, add messages and fields under their upstream
// names and numbers; a number that stands here never changes.
//
// Because the names are upstream's, a program cannot also link another Go
// package made from upstream's files: protobuf refuses two of one name.
package pb

// Made with protoc 3.21.12, protoc-gen-go v1.36.12, protoc-gen-go-grpc v1.6.2.
//go:generate protoc --proto_path=../../.. --go_out=../../.. --go_opt=paths=source_relative --go-grpc_out=../../.. --go-grpc_opt=paths=source_relative spark/internal/pb/types.proto spark/internal/pb/expressions.proto spark/internal/pb/relations.proto spark/internal/pb/commands.proto spark/internal/pb/base.proto
