package service

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

// An amqpVersion is a version of AMQP. Client and broker agree on one by its header. A broker that does not support the version of the
// client's header answers with the header of another version, and closes the connection.
// https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transport-v1.0-os.html#section-version-negotiation
type amqpVersion struct {
	header string
	// ask continues after the broker has agreed to the header.
	ask func(s *session, c *conn) error
	// echoes is set if a broker that agrees sends the header back first.
	echoes bool
}

const amqpHeaderSize = 8

// The headers of the versions that this package supports. 1.0 has another one, for the login before it.
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

// askAMQP asks a broker in 0-9-1 first, and then in the version that the broker offers instead. There are Go clients for 0-9-1 and 1.0, but
// none for 0-10, and none that returns which version a broker offered.
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

// choose returns which version to try after a broker has offered one, or -1. With credentials it prefers a version with a login.
func (s *session) choose(untried []amqpVersion, offered string) int {
	index := func(header string) int {
		return slices.IndexFunc(untried, func(v amqpVersion) bool { return v.header == header })
	}
	if login := index(headerSASL); offered == header10 && s.logsIn() && login >= 0 {
		return login
	}
	return index(offered)
}

// logsIn reports whether the URL has credentials for a login. A user without a password does not suffice: RabbitMQ's clients then use a
// password of their own.
func (s *session) logsIn() bool { return s.service.url.User != "" && s.service.url.Password != "" }

// otherAMQP is the failure of a broker that offers only a version that this package does not support.
func otherAMQP(offered string) error {
	if offered[4] == 2 {
		return &Failure{WrongProtocol, "an AMQP broker that wants TLS first: use amqps://"}
	}
	return &Failure{WrongProtocol, fmt.Sprintf("an AMQP broker that offers the protocol %d, version %d-%d-%d, only", offered[4], offered[5], offered[6], offered[7])}
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
