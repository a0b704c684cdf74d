package service

import (
	"encoding/binary"
	"strings"
)

// Controls of AMQP 0-10's class connection.
// https://www.amqp.org/specification/0-10/amqp-org-download section 9.1
const (
	control010Start   = 1<<8 | 1
	control010StartOK = 1<<8 | 2
	control010Tune    = 1<<8 | 5
	control010Close   = 1<<8 | 11
)

// askAMQP010 reads the broker's first control, and logs in if there are credentials.
func askAMQP010(s *session, c *conn) error {
	start, err := c.readControl()
	if err != nil {
		return err
	}
	mechanisms, ok := readStart010(start)
	if !ok {
		return errStrange
	}
	if !s.logsIn() || !hasWord(mechanisms, "PLAIN") { // the other mechanisms need more than a URL holds
		return nil
	}
	if _, err := c.Write(startOK010(s.service.url.User, s.service.url.Password)); err != nil {
		return err
	}
	answer, err := c.readControl()
	switch {
	case err != nil && hungUp(err):
		return refused("the broker closed the connection at the login")
	case err != nil:
		return err
	}
	return judge010(answer)
}

// A control is a control of AMQP 0-10, its arguments not decoded: class and number, and what follows.
type control struct {
	id        uint16
	arguments []byte
}

// readControl reads a frame with a control of the connection.
func (c *conn) readControl() (control, error) {
	// flags, type of the segment, size, reserved, track, channel, reserved
	header, err := c.read(12)
	if err != nil {
		return control{}, err
	}
	size := int(binary.BigEndian.Uint16(header[2:]))
	if header[0] != 0x0f || header[1] != 0 || size < 12+2 { // a control is never split
		return control{}, errStrange
	}
	body, err := c.read(size - 12)
	if err != nil {
		return control{}, err
	}
	return control{binary.BigEndian.Uint16(body), body[2:]}, nil
}

// Arguments begin with two bytes that say which of them are there, the first one by the lowest bit.

// readStart010 returns the mechanisms that a broker offers, with spaces between them.
func readStart010(c control) (string, bool) {
	const properties, mechanisms = 1, 2
	b := c.arguments
	if c.id != control010Start || len(b) < 2 || b[0]&mechanisms == 0 {
		return "", false
	}
	present, b := b[0], b[2:]
	if present&properties != 0 {
		var ok bool
		if _, b, ok = cutLong(b); !ok {
			return "", false
		}
	}
	array, _, ok := cutLong(b)
	if !ok || len(array) < 5 || array[0] != 0x95 { // of str16
		return "", false
	}
	list, b := "", array[5:]
	for len(b) >= 2 {
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; n > len(b) {
			return "", false
		}
		list, b = list+" "+string(b[:n]), b[n:]
	}
	return list, true
}

// startOK010 is a login by SASL's PLAIN.
func startOK010(user, password string) []byte {
	properties := binary.BigEndian.AppendUint32(nil, 0) // no entries
	body := []byte{control010StartOK >> 8, control010StartOK & 0xff, 0x0f, 0}
	body = appendLong(body, properties)
	body = appendShort(body, "PLAIN")
	body = appendLong(body, []byte("\x00"+user+"\x00"+password))
	body = appendShort(body, "en_US")
	frame := binary.BigEndian.AppendUint16([]byte{0x0f, 0}, uint16(12+len(body)))
	frame = append(frame, 0, 0, 0, 0, 0, 0, 0, 0)
	return append(frame, body...)
}

// judge010 returns what the answer to a login means.
func judge010(c control) error {
	switch c.id {
	case control010Tune:
		return nil
	case control010Close:
		const code, text = 1, 2
		b := c.arguments
		if len(b) < 2 || b[0]&code == 0 || len(b) < 4 {
			return errStrange
		}
		words := ""
		if b[0]&text != 0 {
			var ok bool
			if words, ok = cutShort(b[4:]); !ok {
				return errStrange
			}
		}
		if strings.Contains(strings.ToLower(words), "auth") { // there is one code for all reasons to close: 320, connection-forced
			return refused(words)
		}
		return notReady("the broker answers %s (%d)", serverText{text: words}, binary.BigEndian.Uint16(b[2:]))
	}
	return errStrange
}
