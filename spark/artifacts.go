package spark

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// An artifact is a file of the session. Spark unpacks archives/NAME in every
// executor's working directory, copies files/NAME there, and stores
// cache/SHA256 on the server for plans of the client. AddArtifacts is a stream
// of messages: small artifacts share a Batch; a larger one is a
// BeginChunkedArtifact, with its first chunk, size and number of chunks,
// followed by ArtifactChunks. Each chunk has a CRC-32. The reply reports for each
// artifact whether all of them matched.

// chunkSize is the size of a chunk, in bytes.
const chunkSize = 256 << 10

// ErrUploadCorrupted reports that an artifact arrived damaged, also after
// retries.
var ErrUploadCorrupted = errors.New("the upload arrived damaged")

// ArtifactSource is the content of an artifact.
type ArtifactSource struct {
	Size int64 // bytes
	// Open returns a reader of the content. It may be called more than once.
	Open func() (io.ReadCloser, error)
	// SHA256 is the content's SHA-256 in lower-case hexadecimal; computed if
	// empty.
	SHA256 string
}

// ArtifactFromFile returns the content of a local file.
func ArtifactFromFile(name string) (ArtifactSource, error) {
	info, err := os.Stat(name)
	if err != nil {
		return ArtifactSource{}, err
	}
	if !info.Mode().IsRegular() {
		return ArtifactSource{}, fmt.Errorf("%s is not a regular file", name)
	}
	return ArtifactSource{Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(name) }}, nil
}

// ArtifactFromBytes returns b as the content of an artifact.
func ArtifactFromBytes(b []byte) ArtifactSource {
	return ArtifactSource{Size: int64(len(b)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

func (s ArtifactSource) digest() (string, error) {
	if s.SHA256 != "" {
		return s.SHA256, nil
	}
	r, err := s.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return "", err
	}
	if n != s.Size {
		return "", fmt.Errorf("the source has %d bytes, but its Size is %d", n, s.Size)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// AddArchive uploads a .tar.gz, .tgz, .tar, .zip or .jar archive under a name
// such as "tools.tar.gz#tools". Executors unpack it in the folder named after
// the #, or in one with the archive's name if there is no #. If the session
// already has the same content under this name, AddArchive returns true without
// an upload. Spark refuses other content under the same name. progress may be
// nil; it is called as bytes are sent, and starts at 0 again when an upload is
// retried.
func (s *Session) AddArchive(ctx context.Context, from ArtifactSource, name string, progress func(done, total int64)) (already bool, err error) {
	file, folder, hasFolder := strings.Cut(name, "#")
	if !isBaseName(file) || hasFolder && !isBaseName(folder) || !isArchive(file) {
		return false, fmt.Errorf("archive %q: the name must have the form tools.tar.gz#folder and end in .tar.gz, .tgz, .tar, .zip or .jar before the #", name)
	}
	return s.addOnce(ctx, artifact{"archives/" + name, from}, progress)
}

// AddFile uploads a file, which executors find under its name in their working
// directory. progress and the result are as in AddArchive.
func (s *Session) AddFile(ctx context.Context, from ArtifactSource, name string, progress func(done, total int64)) (already bool, err error) {
	if !isBaseName(name) {
		return false, fmt.Errorf("file %q: the name must not contain a folder", name)
	}
	return s.addOnce(ctx, artifact{"files/" + name, from}, progress)
}

// addOnce uploads an artifact unless the session has it. The server reports only
// the existence of cache entries, so addOnce adds one as a marker after a
// complete upload.
func (s *Session) addOnce(ctx context.Context, a artifact, progress func(done, total int64)) (already bool, err error) {
	digest, err := a.from.digest()
	if err != nil {
		return false, fmt.Errorf("upload of %s: %w", a.name, err)
	}
	marker := []byte("artifact:" + a.name + ":" + digest)
	markerName := cacheName(marker)
	exists, err := s.ArtifactExists(ctx, markerName)
	if err != nil {
		return false, fmt.Errorf("upload of %s: %w", a.name, err)
	}
	if exists[markerName] {
		return true, nil
	}
	if err := s.upload(ctx, []artifact{a}, progress); err != nil {
		return false, err
	}
	if err := s.upload(ctx, []artifact{{markerName, ArtifactFromBytes(marker)}}, nil); !isEncryptedCacheError(err) {
		return false, err
	}
	return false, nil // uploaded; without a marker, another upload would be repeated
}

// isEncryptedCacheError reports whether err is the error for a cache entry of a
// server with spark.io.encryption.enabled, which reads the plain entry as an
// encrypted one.
func isEncryptedCacheError(err error) bool {
	var e *Error
	return errors.As(err, &e) && strings.Contains(e.Detail, "Not enough bytes in channel")
}

// CacheArtifact stores bytes in the session on the server, unless it has them,
// and returns the artifact's name, cache/SHA256.
func (s *Session) CacheArtifact(ctx context.Context, b []byte) (string, error) {
	name := cacheName(b)
	exists, err := s.ArtifactExists(ctx, name)
	if err != nil {
		return "", err
	}
	if exists[name] {
		return name, nil
	}
	if err = s.upload(ctx, []artifact{{name, ArtifactFromBytes(b)}}, nil); isEncryptedCacheError(err) {
		err = fmt.Errorf("%w\n  A Spark with spark.io.encryption.enabled cannot store rows of its clients: let it read them from a file or table, or send less than 1 MiB", err)
	}
	return name, err
}

func cacheName(b []byte) string {
	sum := sha256.Sum256(b)
	return "cache/" + hex.EncodeToString(sum[:])
}

// ArtifactExists reports which artifacts the session has on the server. The
// server supports only names of the form cache/SHA256; others do not exist.
func (s *Session) ArtifactExists(ctx context.Context, names ...string) (map[string]bool, error) {
	r, err := call(ctx, s, func() (*pb.ArtifactStatusesResponse, error) {
		return s.client.ArtifactStatus(ctx, &pb.ArtifactStatusesRequest{
			SessionId:                         s.id,
			ClientObservedServerSideSessionId: s.observed(),
			UserContext:                       s.user(),
			ClientType:                        &s.userAgent,
			Names:                             names,
		})
	})
	exists := make(map[string]bool, len(names))
	for _, n := range names {
		exists[n] = r.GetStatuses()[n].GetExists()
	}
	return exists, err
}

func isBaseName(s string) bool {
	return s != "" && s != "." && s != ".." && path.Base(s) == s && !strings.ContainsAny(s, `#?%\:`)
}

func isArchive(name string) bool {
	for _, suffix := range []string{".tar.gz", ".tgz", ".tar", ".zip", ".jar"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

type artifact struct {
	name string
	from ArtifactSource
}

// maxUploads is the number of times that an upload is sent if it arrives damaged.
const maxUploads = 3

func (s *Session) upload(ctx context.Context, artifacts []artifact, progress func(done, total int64)) error {
	what := artifacts[0].name
	if len(artifacts) > 1 {
		what = fmt.Sprintf("%s and %d more", what, len(artifacts)-1)
	}
	if progress == nil {
		progress = func(done, total int64) {}
	}
	for range maxUploads {
		damaged := ""
		_, err := call(ctx, s, func() (*pb.AddArtifactsResponse, error) {
			u := &upload{session: s, artifacts: artifacts, progress: progress}
			r, err := u.send(ctx)
			if err == nil {
				damaged, err = u.check(r)
			}
			return r, err
		})
		var e *Error
		if errors.As(err, &e) && e.Code == codes.Unknown && e.Detail == "" {
			// The error of Spark 3.5 for a name that exists has no message.
			return fmt.Errorf("upload of %s: the session may have other content under that name, which cannot be replaced: %w", what, err)
		}
		if err != nil {
			return fmt.Errorf("upload of %s: %w", what, err)
		}
		if damaged == "" {
			return nil
		}
		what = damaged
	}
	return fmt.Errorf("upload of %s: %w (%d times)", what, ErrUploadCorrupted, maxUploads)
}

// upload is one AddArtifacts call.
type upload struct {
	session   *Session
	artifacts []artifact
	progress  func(done, total int64)

	stream      pb.SparkConnectService_AddArtifactsClient
	done, total int64
	batch       []*pb.AddArtifactsRequest_SingleChunkArtifact
	batchSize   int64
}

// check checks the reply for the artifacts. It returns the name of a damaged
// artifact, if any, and an error if the reply lacks an artifact.
func (u *upload) check(r *pb.AddArtifactsResponse) (damaged string, err error) {
	crcOK := map[string]bool{}
	for _, a := range r.GetArtifacts() {
		crcOK[a.GetName()] = a.GetIsCrcSuccessful()
	}
	for _, a := range u.artifacts {
		ok, found := crcOK[a.name]
		if !found {
			return "", fmt.Errorf("the server did not confirm that it received %s", a.name)
		}
		if !ok {
			damaged = a.name
		}
	}
	return damaged, nil
}

func (u *upload) send(ctx context.Context) (*pb.AddArtifactsResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var err error
	if u.stream, err = u.session.client.AddArtifacts(ctx); err != nil {
		return nil, err
	}
	for _, a := range u.artifacts {
		u.total += a.from.Size
	}
	for _, a := range u.artifacts {
		if err = u.sendArtifact(a); err != nil {
			break
		}
	}
	if err == nil {
		err = u.flush()
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	return u.stream.CloseAndRecv() // returns the error behind io.EOF
}

func (u *upload) sendArtifact(a artifact) error {
	r, err := a.from.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if a.from.Size <= chunkSize {
		data, err := readChunk(r, a.from.Size)
		if err != nil {
			return err
		}
		if u.batchSize+a.from.Size > chunkSize {
			if err := u.flush(); err != nil {
				return err
			}
		}
		u.batch = append(u.batch, &pb.AddArtifactsRequest_SingleChunkArtifact{Name: a.name, Data: chunk(data)})
		u.batchSize += a.from.Size
		return nil
	}
	if err := u.flush(); err != nil {
		return err
	}
	for at := int64(0); at < a.from.Size; at += chunkSize {
		data, err := readChunk(r, min(chunkSize, a.from.Size-at))
		if err != nil {
			return err
		}
		m := &pb.AddArtifactsRequest{Payload: &pb.AddArtifactsRequest_Chunk{Chunk: chunk(data)}}
		if at == 0 {
			m.Payload = &pb.AddArtifactsRequest_BeginChunk{BeginChunk: &pb.AddArtifactsRequest_BeginChunkedArtifact{
				Name:         a.name,
				TotalBytes:   a.from.Size,
				NumChunks:    (a.from.Size + chunkSize - 1) / chunkSize,
				InitialChunk: chunk(data),
			}}
		}
		if err := u.sendMessage(m, int64(len(data))); err != nil {
			return err
		}
	}
	return nil
}

// flush sends the batch of small artifacts.
func (u *upload) flush() error {
	if len(u.batch) == 0 {
		return nil
	}
	m := &pb.AddArtifactsRequest{Payload: &pb.AddArtifactsRequest_Batch_{Batch: &pb.AddArtifactsRequest_Batch{Artifacts: u.batch}}}
	size := u.batchSize
	u.batch, u.batchSize = nil, 0
	return u.sendMessage(m, size)
}

func (u *upload) sendMessage(m *pb.AddArtifactsRequest, size int64) error {
	s := u.session
	m.SessionId = s.id
	m.UserContext = s.user()
	m.ClientObservedServerSideSessionId = s.observed()
	m.ClientType = &s.userAgent
	if err := u.stream.Send(m); err != nil {
		return err
	}
	u.done += size
	u.progress(u.done, u.total)
	return nil
}

func chunk(data []byte) *pb.AddArtifactsRequest_ArtifactChunk {
	return &pb.AddArtifactsRequest_ArtifactChunk{Data: data, Crc: int64(crc32.ChecksumIEEE(data))}
}

func readChunk(r io.Reader, size int64) ([]byte, error) {
	data := make([]byte, size)
	if n, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("the source ended %d bytes early or changed during the upload: %v", size-int64(n), err)
	}
	return data, nil
}
