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

// A session is what is said to one host in one probe. A protocol may need several connections for it.
type session struct {
	service Service
	host    serviceurl.Host
	limit   time.Duration // for the whole probe
	conns   []*conn
	undo    []func() bool
}

// A conn is a connection that remembers how it began, and that has an end: nothing of what is asked here takes many bytes to answer.
type conn struct {
	net.Conn
	raw  *tap          // what came by the network
	text *tap          // what came through TLS; the same without TLS
	in   *bufio.Reader // in front of text, so that it sees all that has come
}

func newConn(network net.Conn) *conn {
	raw := &tap{Conn: network}
	return &conn{Conn: raw, raw: raw, text: raw, in: bufio.NewReader(raw)}
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) { return c.in.Read(p) }

const (
	beginning = 96      // bytes that are enough to recognise what a server speaks
	enough    = 1 << 20 // bytes after which no answer of any protocol can still be on its way
)

// errEndless is the error of a server that does not stop to talk.
var errEndless = errors.New("the answer does not end")

// A tap remembers the beginning of what is read through it. A client may still be reading while one looks: PostgreSQL's sees to a
// connection that failed from a goroutine of its own, which ends when the session closes the connection.
type tap struct {
	net.Conn
	mu    sync.Mutex
	seen  []byte
	total int
}

func (t *tap) Read(p []byte) (int, error) {
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

func (t *tap) isFull() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total >= enough
}

// beginning returns how what was read begins.
func (t *tap) beginning() []byte {
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
	c.text = &tap{Conn: secured}
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

// close closes all connections. What they have seen stays.
func (s *session) close() {
	for _, undo := range s.undo {
		undo()
	}
	for _, c := range s.conns {
		_ = c.raw.Close() // not through TLS, which would wait to say good-bye
	}
}

// seen returns how the answer began on the latest connection, as far as it is text: what TLS carried, or what came instead of TLS.
func (s *session) seen() []byte {
	if len(s.conns) == 0 {
		return nil
	}
	last := s.conns[len(s.conns)-1]
	return last.text.beginning()
}

// raw returns how what came by the network began on the latest connection.
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

// read reads a number of bytes, which is at most what an answer may have.
func (c *conn) read(n int) ([]byte, error) {
	if n < 0 || n > enough {
		return nil, errStrange
	}
	data := make([]byte, n)
	_, err := io.ReadFull(c, data)
	return data, err
}
