package otheruser

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Results of Call: status codes of gRPC, as in the trailer grpc-status, or
// NoServer if the connection is refused.
const (
	PermissionDenied = "7"
	Unauthenticated  = "16"
	NoServer         = "none"
)

// attack is what the other user tries.
type attack struct {
	Address string   // of the Connect server
	Ports   []int    // of the server and of the processes that it started
	File    string   // of the server's user
	Private []string // files and folders
}

// loot is what the other user got.
type loot struct {
	Calls map[string]string // status of each call of the Connect server
	Read  []string          // private files and folders that were readable
	Ports []answers
}

// answers are the answers of one port.
type answers struct {
	Port    int
	File    string // to a request for a file
	Message string // to a serialized object
}

func (a *attack) run() loot {
	got := loot{Calls: map[string]string{"no token": Call(a.Address, ""), "a wrong token": Call(a.Address, "wrong")}}
	for _, path := range a.Private {
		if readable(path) {
			got.Read = append(got.Read, path)
		}
	}
	for _, port := range a.Ports {
		if strings.HasSuffix(a.Address, fmt.Sprintf(":%d", port)) {
			continue
		}
		got.Ports = append(got.Ports, answers{port, ask(port, fileRequest(a.File)), ask(port, message())})
	}
	return got
}

func readable(path string) bool {
	if _, err := os.ReadDir(path); err == nil {
		return true
	}
	text, err := os.ReadFile(path)
	return err == nil && len(text) > 0
}

// Call sends an empty request to the Connect server, and returns the status of the
// answer. The request is a gRPC message of 0 bytes, over HTTP/2 without TLS.
func Call(address, token string) string {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/spark.connect.SparkConnectService/Config", bytes.NewReader(make([]byte, 5)))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("TE", "trailers")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := transport.RoundTrip(request)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return NoServer
	}
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err.Error()
	}
	return response.Header.Get("Grpc-Status") + response.Trailer.Get("Grpc-Status")
}

// Types of Spark's messages between driver and executors.
const (
	rpcRequest    = 3
	streamRequest = 6
)

// fileRequest returns a request to Spark's driver for a file, by a name that leads
// out of the folder of artifacts.
func fileRequest(path string) []byte {
	name := "/artifacts" + strings.Repeat("/..", 20) + path
	return frame(streamRequest, binary.BigEndian.AppendUint32(nil, uint32(len(name))), []byte(name))
}

// message returns a request with a serialized Java object, the string "x", to an
// endpoint that every driver has.
func message() []byte {
	const endpoint = "endpoint-verifier"
	body := []byte{0, 1, 0, 9}
	body = append(body, "127.0.0.1"...)
	body = append(body, 0, 0, 0, 1, 0, byte(len(endpoint)))
	body = append(body, endpoint...)
	body = append(body, 0xac, 0xed, 0, 5, 't', 0, 1, 'x')
	return frame(rpcRequest, binary.BigEndian.AppendUint64(nil, 1), binary.BigEndian.AppendUint32(nil, uint32(len(body))), body)
}

// frame returns a message in the framing of Spark's network library.
func frame(kind byte, parts ...[]byte) []byte {
	body := append([]byte{kind}, bytes.Join(parts, nil)...)
	return append(binary.BigEndian.AppendUint64(nil, uint64(8+len(body))), body...)
}

// ask sends bytes to a port, and returns the answer or the error as text.
func ask(port int, send []byte) string {
	connection, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 5*time.Second)
	if err != nil {
		return err.Error()
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := connection.Write(send); err != nil {
		return err.Error()
	}
	answer := make([]byte, 4096)
	n, err := io.ReadAtLeast(connection, answer, 64)
	text := strings.ToValidUTF8(string(answer[:n]), ".")
	if err != nil {
		text += " (" + err.Error() + ")"
	}
	return text
}
