package service

import (
	"encoding/binary"
	"fmt"
)

// askAMQP10 is done: the broker has agreed to AMQP 1.0 without a login.
func askAMQP10(*session, *conn) error { return nil }

// What a SASL frame has in it, by the code of its description.
// https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-security-v1.0-os.html#section-sasl
const (
	saslMechanisms = 0x40
	saslInit       = 0x41
	saslOutcome    = 0x44
)

// askAMQPSASL logs in at a broker that has agreed to AMQP 1.0's login.
func askAMQPSASL(s *session, c *conn) error {
	frame, err := c.readSASL()
	if err != nil {
		return err
	}
	mechanisms, ok := readMechanisms(frame)
	if !ok {
		return errStrange
	}
	if !s.logsIn() || !hasWord(mechanisms, "PLAIN") { // the other mechanisms need more than a URL holds
		return nil
	}
	if _, err := c.Write(saslInitFrame(s.service.url.User, s.service.url.Password)); err != nil {
		return err
	}
	if frame, err = c.readSASL(); err != nil {
		return err
	}
	outcome, ok := readOutcome(frame)
	switch {
	case !ok:
		return errStrange
	case outcome == 0:
		return nil
	case outcome == 1, outcome == 3: // auth, sys-perm
		return refused("")
	}
	return notReady("the broker cannot check the credentials (SASL outcome %d)", outcome)
}

// readSASL reads a frame of the login and returns what is in it.
// https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transport-v1.0-os.html#section-framing
func (c *conn) readSASL() ([]byte, error) {
	header, err := c.read(8) // size, offset of the body in words of four bytes, type, two of no meaning
	if err != nil {
		return nil, err
	}
	size, offset := binary.BigEndian.Uint32(header), 4*int(header[4])
	if header[5] != 1 || offset < 8 || size < uint32(offset) || size > enough {
		return nil, errStrange
	}
	body, err := c.read(int(size) - 8)
	if err != nil {
		return nil, err
	}
	return body[offset-8:], nil
}

func saslInitFrame(user, password string) []byte {
	const symbol8, binary32, list32 = 0xa3, 0xb0, 0xd0
	fields := append([]byte{symbol8}, appendShort(nil, "PLAIN")...)
	fields = appendLong(append(fields, binary32), []byte("\x00"+user+"\x00"+password))
	body := binary.BigEndian.AppendUint32([]byte{0x00, 0x53, saslInit, list32}, uint32(4+len(fields)))
	body = append(binary.BigEndian.AppendUint32(body, 2), fields...)
	frame := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	return append(append(frame, 2, 1, 0, 0), body...)
}

// readList returns the fields of a described list, and how many there are.
// https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-types-v1.0-os.html#section-encodings
func readList(b []byte, description byte) (fields []byte, n uint32, ok bool) {
	if len(b) < 4 || b[0] != 0 || b[1] != 0x53 || b[2] != description {
		return nil, 0, false
	}
	kind, b := b[3], b[4:]
	switch {
	case kind == 0x45: // empty
		return nil, 0, true
	case kind == 0xc0 && len(b) >= 2: // one byte of size and of number
		return b[2:], uint32(b[1]), true
	case kind == 0xd0 && len(b) >= 8: // four of each
		return b[8:], binary.BigEndian.Uint32(b[4:]), true
	}
	return nil, 0, false
}

// readMechanisms returns the mechanisms that a broker offers, with spaces between them.
func readMechanisms(frame []byte) (string, bool) {
	b, n, ok := readList(frame, saslMechanisms)
	if !ok || n < 1 || len(b) == 0 {
		return "", false
	}
	switch kind := b[0]; {
	case kind == 0xa3, kind == 0xb3: // one symbol
		name, _, ok := cutSymbol(b[1:], kind)
		return name, ok
	case kind == 0xe0 && len(b) >= 4: // an array: size, number, kind
		return cutSymbols(b[4:], int(b[2]), b[3])
	case kind == 0xf0 && len(b) >= 10:
		return cutSymbols(b[10:], int(binary.BigEndian.Uint32(b[5:])), b[9])
	}
	return "", false
}

func cutSymbols(b []byte, n int, kind byte) (string, bool) {
	list := ""
	for range n {
		name, rest, ok := cutSymbol(b, kind)
		if !ok {
			return "", false
		}
		list, b = fmt.Sprintf("%s %s", list, name), rest
	}
	return list, true
}

func cutSymbol(b []byte, kind byte) (name string, rest []byte, ok bool) {
	switch kind {
	case 0xa3:
		name, ok := cutShort(b)
		if !ok {
			return "", nil, false
		}
		return name, b[1+len(name):], true
	case 0xb3:
		s, rest, ok := cutLong(b)
		return string(s), rest, ok
	}
	return "", nil, false
}

// readOutcome returns how a login went.
func readOutcome(frame []byte) (code byte, ok bool) {
	b, n, ok := readList(frame, saslOutcome)
	if !ok || n < 1 || len(b) < 2 || b[0] != 0x50 {
		return 0, false
	}
	return b[1], true
}
