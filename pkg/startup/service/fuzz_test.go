package service

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// A replay is a connection on which certain bytes come, whatever is sent.
type replay struct{ *bytes.Reader }

func (replay) Write(p []byte) (int, error)      { return len(p), nil }
func (replay) Close() error                     { return nil }
func (replay) LocalAddr() net.Addr              { return nil }
func (replay) RemoteAddr() net.Addr             { return nil }
func (replay) SetDeadline(time.Time) error      { return nil }
func (replay) SetReadDeadline(time.Time) error  { return nil }
func (replay) SetWriteDeadline(time.Time) error { return nil }

// FuzzAnswers gives every protocol answers that no server should give. They must come to an end, and must not be taken for a server that
// is available unless they begin as the protocol does.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"", "HTTP/1.1 200 OK\r\n", "+PONG\r\n", "-ERR x\r\n", "AMQP\x01\x01\x00\x0a", "\x01\x00\x00\x00\x00\x00\x14\x00\x0a\x00\x0a",
		"AMQP\x03\x01\x00\x00\x00\x00\x00\x22\x02\x01\x00\x00\x00\x53\x40\xc0\x15\x01\xe0\x12\x02\xa3\x05PLAIN\x09ANONYMOUS",
		"AMQP\x01\x01\x00\x0a\x0f\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x02\x00\x00\x00\x00\x0c\x95\x00\x00\x00\x01\x00\x05PLAIN",
		"\x35\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x11\x00\x00\x00\x01ok\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, scheme := range []string{"http", "redis", "mongodb"} {
			asked := map[string]protocol{"http": askHTTP, "redis": askRedis, "mongodb": askMongoDB}[scheme]
			if err := askReplay(t, scheme, answer, asked); err == nil && !beginsAs(scheme, answer) {
				t.Errorf("%s: %q is taken for a server that is available", scheme, answer)
			}
		}
		for _, v := range amqpVersions() {
			ask := func(ctx context.Context, s *session) error {
				c, err := s.dial(ctx)
				if err != nil {
					return err
				}
				return v.ask(s, c)
			}
			_ = askReplay(t, "amqp", answer, ask)
		}
		_ = fingerprintOf(answer)
		_ = Service{}.quote(serverText{text: string(answer)})
	})
}

// askReplay asks by a protocol over a connection that replays an answer.
func askReplay(t *testing.T, scheme string, answer []byte, ask protocol) error {
	u, err := serviceurl.Parse(scheme + "://me:pw@h/x")
	if err != nil {
		t.Fatal(err)
	}
	network := func(context.Context, string) (net.Conn, error) { return replay{bytes.NewReader(answer)}, nil }
	s := &session{service: Service{url: u, network: network}, host: u.Hosts[0]}
	defer s.close()
	return ask(t.Context(), s)
}

func beginsAs(scheme string, answer []byte) bool {
	switch scheme {
	case "http":
		return bytes.HasPrefix(answer, []byte("HTTP/"))
	case "redis":
		return bytes.HasPrefix(answer, []byte("+")) || bytes.HasPrefix(answer, []byte("-"))
	}
	return isMongoMessage(answer)
}
