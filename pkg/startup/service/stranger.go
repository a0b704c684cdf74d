package service

import (
	"bytes"
	"context"
	"crypto/tls"
	"time"
)

// looks is what a server looks like: its kind, or nothing, and a line that it said, or nothing.
type looks struct {
	kind string
	line said
}

const elsewhere = "something else listens there: "

// stranger is the failure of a server that speaks something else.
func (s Service) stranger(what looks) *Failure {
	text := elsewhere + s.describe(what)
	if what.kind == tlsServer {
		text += ", which this URL does not ask for"
	}
	return &Failure{Stranger, text}
}

func (s Service) describe(what looks) string {
	if what.line.text == "" {
		return what.kind
	}
	return what.kind + " (" + s.quote(what.line) + ")"
}

// identify asks a server that said nothing of use what it is, on a connection of its own: first in a way to which web servers answer, and
// others complain. One that just closes the connection may want TLS.
func (s *session) identify(ctx context.Context) looks {
	asking := &session{service: s.service, host: s.host}
	defer asking.close()
	ctx, cancel := context.WithTimeout(ctx, max(s.limit, 2*time.Second)/2) // a short try ends before that, with its context
	defer cancel()
	c, err := asking.dialPlain(ctx)
	if err != nil {
		return looks{}
	}
	_, err = c.exchange([]byte("GET / HTTP/1.0\r\n\r\n"), beginning)
	if what := looksLike(c.raw.beginning()); what.kind != "" || !hungUp(err) {
		return what
	}
	if c, err = asking.dialPlain(ctx); err != nil {
		return looks{}
	}
	_ = tls.Client(c.raw, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) // what it is does not depend on whether it is trusted
	return looksLike(c.raw.beginning())
}

// What servers look like.
const (
	webServer   = "a web server"
	tlsServer   = "a TLS server"
	sshServer   = "an SSH server"
	mailServer  = "a mail or FTP server"
	amqpBroker  = "an AMQP broker"
	mongoServer = "a MongoDB server"
	redisServer = "a Redis server"
	postgresDB  = "a PostgreSQL server"
	mysqlServer = "a MySQL or MariaDB server"
)

// own returns what a server of the session's protocol looks like.
func (s *session) own() string {
	return map[string]string{
		"mongodb": mongoServer, "amqp": amqpBroker, "amqps": amqpBroker, "qpid": amqpBroker, "redis": redisServer, "rediss": redisServer,
		"postgres": postgresDB, "postgresql": postgresDB, "http": webServer, "https": webServer,
	}[s.service.url.Scheme]
}

// looksLike says what a server is by how its answer begins.
func looksLike(seen []byte) looks {
	line, _, whole := bytes.Cut(seen, []byte("\n"))
	greeting := beginningOf(line)
	greeting.cut = greeting.cut && !whole
	switch kind := kindOf(seen); kind {
	case webServer, sshServer, mailServer:
		if seen[0] != '<' {
			return looks{kind, greeting}
		}
		return looks{kind: kind}
	default:
		return looks{kind: kind}
	}
}

// kindOf returns what a server is by how its answer begins, or nothing.
func kindOf(seen []byte) string {
	begins := func(text string) bool { return bytes.HasPrefix(seen, []byte(text)) }
	switch {
	case bytes.Contains(seen, []byte("MongoDB")), isMongoMessage(seen):
		return mongoServer
	case begins("HTTP/"), begins("<"):
		return webServer
	case begins("AMQP"):
		return amqpBroker
	case begins("SSH-"):
		return sshServer
	case begins("220 "), begins("220-"):
		return mailServer
	case begins("\x15\x03"), begins("\x16\x03"): // an alert or a handshake, https://www.rfc-editor.org/rfc/rfc8446#section-5.1
		return tlsServer
	case begins("-ERR"), begins("-NOAUTH"), begins("-DENIED"), begins("+PONG"):
		return redisServer
	case begins("E\x00\x00\x00"), begins("N") && len(seen) == 1:
		return postgresDB
	case len(seen) > 5 && seen[3] == 0 && seen[1] < 8 && seen[2] == 0 && (seen[4] == 0x0a || seen[4] == 0xff):
		// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
		return mysqlServer
	}
	return ""
}
