package service

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// A session is one probe of one host. A protocol may need several connections for it.
type session struct {
	service Service
	host    serviceurl.Host
	limit   time.Duration // for the whole probe
	conns   []*conn
	undo    []func() bool
}

// A conn is a connection that records the beginning of what the server sends, and that ends after enough bytes: no answer to a probe is
// long.
type conn struct {
	net.Conn
	raw  *recordingConn // what came from the network
	text *recordingConn // what came through TLS; the same as raw without TLS
	in   *bufio.Reader  // reads from text
}

func newConn(network net.Conn) *conn {
	raw := &recordingConn{Conn: network}
	return &conn{Conn: raw, raw: raw, text: raw, in: bufio.NewReader(raw)}
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) { return c.in.Read(p) }

const (
	beginning = 96      // bytes that are enough to recognise what a server speaks
	enough    = 1 << 20 // bytes that are more than any answer has
)

// errEndless is the error for an answer that is longer than any protocol's.
var errEndless = errors.New("the answer does not end")

// A recordingConn records the beginning of what is read from it. It may be read while the record is used: PostgreSQL's client handles a
// failed connection in a goroutine of its own, which ends when the session closes the connection.
type recordingConn struct {
	net.Conn
	mu    sync.Mutex
	seen  []byte
	total int
}

func (t *recordingConn) Read(p []byte) (int, error) {
	if t.isFull() {
		return 0, errEndless
	}
	n, err := t.Conn.Read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += n
	t.seen = append(t.seen, p[:min(n, beginning-len(t.seen))]...)
	return n, err
}

func (t *recordingConn) isFull() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total >= enough
}

// beginning returns the first bytes that were read.
func (t *recordingConn) beginning() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.seen)
}

// dial connects to the session's host, with TLS if the service has it. The connection lives until the session is closed, and ends with
// the context.
func (s *session) dial(ctx context.Context) (*conn, error) {
	c, err := s.dialPlain(ctx)
	if err != nil || s.service.tls == nil {
		return c, err
	}
	config := s.service.tls.Clone()
	if config.ServerName == "" {
		config.ServerName = s.host.Name
	}
	secured := tls.Client(c.raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, &tlsError{err}
	}
	c.text = &recordingConn{Conn: secured}
	c.Conn, c.in = c.text, bufio.NewReader(c.text)
	return c, nil
}

func (s *session) dialPlain(ctx context.Context) (*conn, error) {
	network, err := s.service.network(ctx, s.host.String())
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := network.SetDeadline(deadline); err != nil {
			return nil, errors.Join(err, network.Close())
		}
	}
	c := newConn(network)
	s.conns = append(s.conns, c)
	s.undo = append(s.undo, context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			_ = network.Close()
		}
	}))
	return c, nil
}

// close closes all connections. Their records stay.
func (s *session) close() {
	for _, undo := range s.undo {
		undo()
	}
	for _, c := range s.conns {
		_ = c.raw.Close() // not through TLS, which would wait to send an alert
	}
}

// seen returns the beginning of the answer on the latest connection: decrypted if it uses TLS, or else as it came.
func (s *session) seen() []byte {
	if len(s.conns) == 0 {
		return nil
	}
	last := s.conns[len(s.conns)-1]
	return last.text.beginning()
}

// raw returns the first bytes that came from the network on the latest connection.
func (s *session) raw() []byte {
	if len(s.conns) == 0 {
		return nil
	}
	return s.conns[len(s.conns)-1].raw.beginning()
}

// exchange writes to a connection and reads a number of bytes.
func (c *conn) exchange(request []byte, n int) ([]byte, error) {
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	return c.read(n)
}

// read reads n bytes. More than an answer may have is an error.
func (c *conn) read(n int) ([]byte, error) {
	if n < 0 || n > enough {
		return nil, errStrange
	}
	data := make([]byte, n)
	_, err := io.ReadFull(c, data)
	return data, err
}
