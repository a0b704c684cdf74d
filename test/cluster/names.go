package cluster

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// domain ends the names of Services: NAME.NAMESPACE.svc.cluster.local.
const domain = ".svc.cluster.local."

// A nameServer tells pods the addresses of Services that have one. It asks the API server each time.
type nameServer struct {
	cluster *Cluster
	conn    net.PacketConn
	done    chan struct{}
}

func (c *Cluster) serveNames() error {
	s := &nameServer{cluster: c, done: make(chan struct{})}
	if err := c.inside(func() (err error) {
		s.conn, err = net.ListenPacket("udp", Node+":53")
		return err
	}); err != nil {
		return err
	}
	c.names = s
	go s.serve() // ends when the connection is closed
	return nil
}

func (s *nameServer) close() error {
	err := s.conn.Close()
	<-s.done
	return err
}

func (s *nameServer) serve() {
	defer close(s.done)
	buffer := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if query.Unpack(buffer[:n]) != nil || len(query.Questions) != 1 {
			continue
		}
		answer := dnsmessage.Message{
			Header:    dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true, RecursionDesired: query.RecursionDesired, RecursionAvailable: true},
			Questions: query.Questions,
		}
		question := query.Questions[0]
		address, found := s.find(question.Name.String())
		switch {
		case !found:
			answer.RCode = dnsmessage.RCodeNameError
		case question.Type == dnsmessage.TypeA:
			answer.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 5},
				Body:   &dnsmessage.AResource{A: address.As4()},
			}}
		}
		if packed, err := answer.Pack(); err == nil {
			_, _ = s.conn.WriteTo(packed, from) // who gets no answer asks again
		}
	}
}

// find returns the address of the Service that the name is for.
func (s *nameServer) find(name string) (netip.Addr, bool) {
	service, ok := strings.CutSuffix(strings.ToLower(name), domain)
	parts := strings.Split(service, ".")
	if !ok || len(parts) != 2 {
		return netip.Addr{}, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	text, err := s.cluster.Kubectl(ctx, "get", "service", parts[0], "-n", parts[1], "-o", "jsonpath={.spec.clusterIP}")
	if err != nil {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(text)
	return address, err == nil && address.Is4()
}
