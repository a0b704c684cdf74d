package service

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

// An amqpVersion is a version of AMQP: by its header client and broker agree on it. A broker that does not speak the version of the
// client's header answers with that of another one, and closes the connection.
// https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transport-v1.0-os.html#section-version-negotiation
type amqpVersion struct {
	header string
	// ask goes on where the broker has agreed to the header.
	ask func(s *session, c *conn) error
	// echoes says that a broker that agrees sends the header back before anything else.
	echoes bool
}

const amqpHeaderSize = 8

// The headers of the versions that are spoken here. 1.0 has one more, for a login before it.
const (
	header091  = "AMQP\x00\x00\x09\x01"
	headerSASL = "AMQP\x03\x01\x00\x00"
	header10   = "AMQP\x00\x01\x00\x00"
	header010  = "AMQP\x01\x01\x00\x0a"
)

func amqpVersions() []amqpVersion {
	return []amqpVersion{
		{header: header091, ask: askAMQP091},
		{header: headerSASL, ask: askAMQPSASL, echoes: true},
		{header: header10, ask: askAMQP10, echoes: true},
		{header: header010, ask: askAMQP010, echoes: true},
	}
}

// askAMQP asks a broker in the version that it speaks: 0-9-1 first, then what it offers instead. There are clients for 0-9-1 and 1.0, but
// none for 0-10, and none that says which version a broker offered.
func askAMQP(ctx context.Context, s *session) error {
	untried := amqpVersions()
	for at := 0; ; {
		offered, err := askAMQPVersion(ctx, s, untried[at])
		if err != nil || offered == "" {
			return err
		}
		untried = slices.Delete(untried, at, at+1)
		if at = s.choose(untried, offered); at < 0 {
			return otherAMQP(offered)
		}
	}
}

// choose returns which version to try when a broker has offered one, or -1. Who has credentials logs in, if the broker lets them.
func (s *session) choose(untried []amqpVersion, offered string) int {
	index := func(header string) int {
		return slices.IndexFunc(untried, func(v amqpVersion) bool { return v.header == header })
	}
	if login := index(headerSASL); offered == header10 && s.logsIn() && login >= 0 {
		return login
	}
	return index(offered)
}

// logsIn says whether the URL has credentials to log in with. A user alone is none: RabbitMQ's clients put a password of their own in.
func (s *session) logsIn() bool { return s.service.url.User != "" && s.service.url.Password != "" }

// otherAMQP is the failure of a broker that offers a version that nobody here speaks. It is a broker, but its clients will not be served.
func otherAMQP(offered string) error {
	if offered[4] == 2 {
		return &Failure{Stranger, "an AMQP broker that wants TLS first: use amqps://"}
	}
	return &Failure{Stranger, fmt.Sprintf("an AMQP broker that offers the protocol %d, version %d-%d-%d, only", offered[4], offered[5], offered[6], offered[7])}
}

// askAMQPVersion asks in one version. If the broker offers another one, its header is returned.
func askAMQPVersion(ctx context.Context, s *session, version amqpVersion) (offered string, err error) {
	c, err := s.dial(ctx)
	if err != nil {
		return "", err
	}
	if _, err := c.Write([]byte(version.header)); err != nil {
		return "", err
	}
	answer, err := c.in.Peek(amqpHeaderSize)
	if err != nil {
		return "", err
	}
	switch isHeader := bytes.HasPrefix(answer, []byte("AMQP")); {
	case isHeader && string(answer) != version.header, isHeader && !version.echoes:
		return string(answer), nil
	case !isHeader && version.echoes:
		return "", errStrange
	case isHeader:
		if _, err := c.in.Discard(amqpHeaderSize); err != nil {
			return "", err
		}
	}
	return "", version.ask(s, c)
}
