package service

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"strings"
)

// Methods of AMQP 0-9-1's class connection: class and number.
// https://www.rabbitmq.com/amqp-0-9-1-reference
const (
	amqpStart   = 10<<16 | 10
	amqpStartOK = 10<<16 | 11
	amqpTune    = 10<<16 | 30
	amqpTuneOK  = 10<<16 | 31
	amqpOpen    = 10<<16 | 40
	amqpOpenOK  = 10<<16 | 41
	amqpClose   = 10<<16 | 50
	amqpCloseOK = 10<<16 | 51
)

// Replies of a broker that closes a connection.
// https://www.rabbitmq.com/amqp-0-9-1-reference#constants
const (
	amqpAccessRefused = 403
	amqpNotAllowed    = 530
)

// failureClose is the capability of a broker to answer a failed login; a broker without it closes the connection.
// https://www.rabbitmq.com/docs/auth-notification
const failureClose = "authentication_failure_close"

// askAMQP091 reads the broker's first method. If there are credentials, it logs in and opens the virtual host of the URL.
func askAMQP091(s *session, c *conn) error {
	start, err := c.readMethod()
	if err != nil {
		return err
	}
	mechanisms, ok := readStart(start)
	if !ok {
		return errStrange
	}
	if !s.logsIn() || !hasWord(mechanisms, "PLAIN") { // the other mechanisms need more than a URL holds
		return nil
	}
	u := s.service.url
	if err := c.writeMethod(amqpStartOK, startOK(u.User, u.Password)); err != nil {
		return err
	}
	tune, err := c.readMethod()
	if err != nil {
		if hungUp(err) && !bytes.Contains(start.arguments, []byte(failureClose)) {
			return refused("the broker closed the connection at the login")
		}
		return err
	}
	if err := judgeAMQP(tune, amqpTune); err != nil {
		return err
	}
	return c.openHost(cmp.Or(u.Name(), "/"), tune)
}

// openHost opens a virtual host, and closes the connection properly.
func (c *conn) openHost(name string, tune amqpMethod) error {
	if len(name) > 255 {
		return &Failure{NotReady, "the name of the virtual host is too long"}
	}
	if err := c.writeMethod(amqpTuneOK, tune.arguments); err != nil { // accepts all that the broker proposes
		return err
	}
	arguments := appendShort(nil, name)
	arguments = append(arguments, 0, 0) // two fields that are not in use any more
	if err := c.writeMethod(amqpOpen, arguments); err != nil {
		return err
	}
	opened, err := c.readMethod()
	if err != nil {
		return err
	}
	if err := judgeAMQP(opened, amqpOpenOK); err != nil {
		return err
	}
	_ = c.writeMethod(amqpClose, []byte{0, 200, 0, 0, 0, 0, 0}) // a courtesy: its failure does not matter
	_, _ = c.readMethod()
	return nil
}

// An amqpMethod is a method and its arguments, not decoded.
type amqpMethod struct {
	id        uint32
	arguments []byte
}

// readMethod reads a frame with a method of the connection.
// https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf section 4.2.3
func (c *conn) readMethod() (amqpMethod, error) {
	header, err := c.read(7) // type, channel, size
	if err != nil {
		return amqpMethod{}, err
	}
	if header[0] != 1 || header[1] != 0 || header[2] != 0 {
		return amqpMethod{}, errStrange
	}
	body, err := c.read(int(binary.BigEndian.Uint32(header[3:])) + 1)
	if err != nil {
		return amqpMethod{}, err
	}
	if len(body) < 5 || body[len(body)-1] != 0xce {
		return amqpMethod{}, errStrange
	}
	return amqpMethod{binary.BigEndian.Uint32(body), body[4 : len(body)-1]}, nil
}

func (c *conn) writeMethod(id uint32, arguments []byte) error {
	frame := []byte{1, 0, 0}
	frame = binary.BigEndian.AppendUint32(frame, uint32(4+len(arguments)))
	frame = binary.BigEndian.AppendUint32(frame, id)
	frame = append(append(frame, arguments...), 0xce)
	_, err := c.Write(frame)
	return err
}

// readStart returns the mechanisms that a broker offers.
func readStart(m amqpMethod) (mechanisms string, ok bool) {
	if m.id != amqpStart || len(m.arguments) < 2 {
		return "", false
	}
	_, rest, ok := cutLong(m.arguments[2:]) // after the version, the properties
	if !ok {
		return "", false
	}
	list, _, ok := cutLong(rest)
	return string(list), ok
}

// startOK are the arguments of a login by SASL's PLAIN.
// https://www.rfc-editor.org/rfc/rfc4616
func startOK(user, password string) []byte {
	capability := append(appendShort(nil, failureClose), 't', 1)
	properties := appendShort(nil, "capabilities")
	properties = append(properties, 'F')
	properties = appendLong(properties, capability)
	out := appendLong(nil, properties)
	out = appendShort(out, "PLAIN")
	out = appendLong(out, []byte("\x00"+user+"\x00"+password))
	return appendShort(out, "en_US")
}

// judgeAMQP returns what it means that a broker sent another method than the expected one.
func judgeAMQP(got amqpMethod, want uint32) error {
	switch got.id {
	case want:
		return nil
	case amqpClose:
		if len(got.arguments) < 2 {
			return errStrange
		}
		text, ok := cutShort(got.arguments[2:])
		if !ok {
			return errStrange
		}
		code := binary.BigEndian.Uint16(got.arguments)
		// A user who is refused a virtual host stays refused; a virtual host that does not exist may still be created.
		if code == amqpAccessRefused || code == amqpNotAllowed && strings.Contains(text, "refused") {
			return refused(text)
		}
		return notReady("the broker answers %s (%d)", serverText{text: text}, code)
	}
	return errStrange
}

func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}

// Strings are long, with four bytes of length, or short, with one.

func appendLong(b []byte, s []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func appendShort(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

func cutLong(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if b = b[4:]; n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

func cutShort(b []byte) (string, bool) {
	if len(b) == 0 || int(b[0]) > len(b)-1 {
		return "", false
	}
	return string(b[1 : 1+int(b[0])]), true
}
