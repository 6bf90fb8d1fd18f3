package topology

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// dnsServer replaces Docker's name server. It knows one name.
type dnsServer struct {
	conn net.PacketConn
	name string

	mu    sync.Mutex
	addrs []netip.Addr
}

// newDNSServer starts a name server for one name. It ends with the test.
func newDNSServer(t *testing.T, name string) *dnsServer {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &dnsServer{conn: conn, name: name + "."}
	var serving sync.WaitGroup
	serving.Go(n.serve)
	t.Cleanup(func() {
		conn.Close()
		serving.Wait()
	})
	return n
}

func (n *dnsServer) addr() string { return n.conn.LocalAddr().String() }

// set replaces the addresses of the name.
func (n *dnsServer) set(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs = nil
	for _, a := range addrs {
		n.addrs = append(n.addrs, netip.MustParseAddr(a))
	}
}

func (n *dnsServer) serve() {
	query := make([]byte, 4096)
	for {
		size, from, err := n.conn.ReadFrom(query)
		if err != nil {
			return // the test is over
		}
		if answer, err := n.answer(query[:size]); err == nil {
			n.conn.WriteTo(answer, from) // a client that misses the answer asks again
		}
	}
}

func (n *dnsServer) answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case q.Name.String() != n.name:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		for _, a := range n.addrs {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 600}, // as Docker's server
				Body:   &dnsmessage.AResource{A: a.As4()},
			})
		}
	}
	return m.Pack()
}
