package testkit

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// Names replaces the name server of this process by one on loopback until the
// test ends. addresses returns the addresses of a name, none if the name does not
// exist. Names in the hosts file are not looked up.
func Names(t testing.TB, addresses func(name string) []string) {
	t.Helper()
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply := nameReply(buffer[:n], addresses); reply != nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp4", server.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		server.Close()
	})
}

// nameReply returns the answer to a query of one question (RFC 1035, section 4):
// a header of 12 bytes, the labels of the name, 2 bytes of type and 2 of class.
func nameReply(query []byte, addresses func(string) []string) []byte {
	const header, typeA, typeAAAA, nameError = 12, 1, 28, 3
	var labels []string
	at := header
	for at < len(query) && query[at] != 0 {
		end := at + 1 + int(query[at])
		if end >= len(query) {
			return nil
		}
		labels = append(labels, string(query[at+1:end]))
		at = end
	}
	if at+5 > len(query) {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[at+1:])
	reply := append([]byte(nil), query[:at+5]...)
	all := addresses(strings.ToLower(strings.Join(labels, ".")))
	count := 0
	for _, a := range all {
		ip := netip.MustParseAddr(a)
		if ip.Is4() != (kind == typeA) || kind != typeA && kind != typeAAAA {
			continue
		}
		// A pointer to the question's name, the type, the class, a time to live of 0, the address.
		reply = append(reply, 0xc0, header, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(ip.BitLen()/8))
		reply = append(reply, ip.AsSlice()...)
		count++
	}
	reply[2], reply[3] = 0x81, 0x80 // a response; recursion is available
	if len(all) == 0 {
		reply[3] |= nameError
	}
	binary.BigEndian.PutUint16(reply[6:], uint16(count))
	binary.BigEndian.PutUint32(reply[8:], 0) // the other sections are empty
	return reply
}
