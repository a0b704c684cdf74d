package service

import (
	"bytes"
	"context"
	"strings"
	"time"
)

// stranger is the failure of a server that speaks something else.
func (s *session) stranger(what string) *Failure {
	text := "something else listens there: " + what
	if strings.HasPrefix(what, tlsServer) {
		text += ", which this URL does not ask for"
	}
	return &Failure{Stranger, text}
}

// identify asks a server that said nothing in a way to which most servers have something to say: web servers answer it, others
// complain. It returns the beginning of what comes, if something does.
func (s *session) identify(ctx context.Context) []byte {
	asking := &session{service: s.service, host: s.host}
	defer asking.close()
	ctx, cancel := context.WithTimeout(ctx, identifying(max(s.limit, 2*time.Second)))
	defer cancel()
	c, err := asking.dialPlain(ctx)
	if err != nil {
		return nil
	}
	_, _ = c.exchange([]byte("GET / HTTP/1.0\r\n\r\n"), beginning) // what came before an error is enough
	return c.raw.seen
}

// What servers look like.
const (
	webServer   = "a web server"
	tlsServer   = "a TLS server"
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
		"postgres": postgresDB, "postgresql": postgresDB,
	}[s.service.url.Scheme]
}

// looksLike says what a server is by how its answer begins, or returns nothing.
func looksLike(seen []byte) string {
	begins := func(text string) bool { return bytes.HasPrefix(seen, []byte(text)) }
	line, _, _ := bytes.Cut(seen, []byte("\n"))
	switch {
	case bytes.Contains(seen, []byte("MongoDB")), isMongoMessage(seen):
		return mongoServer
	case begins("HTTP/"):
		return webServer + " (" + quote(string(line)) + ")"
	case begins("<"):
		return webServer
	case begins("AMQP"):
		return amqpBroker
	case begins("SSH-"):
		return "an SSH server (" + quote(string(line)) + ")"
	case begins("220 "), begins("220-"):
		return "a mail or FTP server (" + quote(string(line)) + ")"
	case begins("\x15\x03"): // an alert of any version, https://www.rfc-editor.org/rfc/rfc8446#section-5.1
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
