package service

import (
	"bytes"
	"context"
	"crypto/tls"
	"time"
)

// fingerprint is what the first bytes from a server show: its kind, if they do, and the line that it sent, if it is text.
type fingerprint struct {
	kind string
	line serverText
}

const elsewhere = "something else listens there: "

// wrongProtocol is the failure of a server that speaks another protocol.
func (s Service) wrongProtocol(what fingerprint) *Failure {
	text := elsewhere + s.describe(what)
	if what.kind == tlsServer {
		text += ", which this URL does not ask for"
	}
	return &Failure{WrongProtocol, text}
}

func (s Service) describe(what fingerprint) string {
	if what.line.text == "" {
		return what.kind
	}
	return what.kind + " (" + s.quote(what.line) + ")"
}

// identify finds out on a new connection what a server is that did not answer the protocol. First it sends an HTTP request: web servers
// answer it, and many others send an error. A server that closes the connection instead may want TLS.
func (s *session) identify(ctx context.Context) fingerprint {
	asking := &session{service: s.service, host: s.host}
	defer asking.close()
	ctx, cancel := context.WithTimeout(ctx, max(s.limit, 2*time.Second)/2) // a shorter probe ends it with its context
	defer cancel()
	c, err := asking.dialPlain(ctx)
	if err != nil {
		return fingerprint{}
	}
	_, err = c.exchange([]byte("GET / HTTP/1.0\r\n\r\n"), beginning)
	if what := fingerprintOf(c.raw.beginning()); what.kind != "" || !hungUp(err) {
		return what
	}
	if c, err = asking.dialPlain(ctx); err != nil {
		return fingerprint{}
	}
	_ = tls.Client(c.raw, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) // nothing secret is sent, so the certificate does not matter
	return fingerprintOf(c.raw.beginning())
}

// The kinds of servers that a fingerprint tells apart.
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

// own returns the kind of server that the session expects.
func (s *session) own() string {
	return map[string]string{
		"mongodb": mongoServer, "amqp": amqpBroker, "amqps": amqpBroker, "qpid": amqpBroker, "redis": redisServer, "rediss": redisServer,
		"postgres": postgresDB, "postgresql": postgresDB, "http": webServer, "https": webServer,
	}[s.service.url.Scheme]
}

// fingerprintOf returns the fingerprint of a server by the first bytes of its answer.
func fingerprintOf(seen []byte) fingerprint {
	line, _, whole := bytes.Cut(seen, []byte("\n"))
	greeting := beginningOf(line)
	greeting.cut = greeting.cut && !whole
	switch kind := kindOf(seen); kind {
	case webServer, sshServer, mailServer:
		if seen[0] != '<' {
			return fingerprint{kind, greeting}
		}
		return fingerprint{kind: kind}
	default:
		return fingerprint{kind: kind}
	}
}

// kindOf returns the kind of a server by the first bytes of its answer, or an empty string.
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
