package service_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/startup/service"
)

const (
	header091  = "AMQP\x00\x00\x09\x01"
	header10   = "AMQP\x00\x01\x00\x00"
	headerSASL = "AMQP\x03\x01\x00\x00"
	header010  = "AMQP\x01\x01\x00\x0a"
)

// broker runs a broker that speaks the versions of the given headers, and offers the one of offer to who wants another.
func broker(t *testing.T, offer string, speaks map[string]func(net.Conn)) string {
	t.Helper()
	return serve(t, func(c net.Conn) {
		header := make([]byte, 8)
		if _, err := io.ReadFull(c, header); err != nil {
			return
		}
		if speak, ok := speaks[string(header)]; ok {
			speak(c)
		} else {
			_, _ = io.WriteString(c, offer)
		}
	})
}

// method091 is a frame of AMQP 0-9-1 with a method.
func method091(class, method uint16, arguments string) string {
	frame := binary.BigEndian.AppendUint32([]byte{1, 0, 0}, uint32(4+len(arguments)))
	frame = binary.BigEndian.AppendUint16(frame, class)
	frame = binary.BigEndian.AppendUint16(frame, method)
	return string(frame) + arguments + "\xce"
}

const start091 = "\x00\x09" + "\x00\x00\x00\x00" + "\x00\x00\x00\x0ePLAIN AMQPLAIN" + "\x00\x00\x00\x05en_US"

// Without credentials, the broker's first answer is enough.
func TestAMQP_noCredentials(t *testing.T) {
	speaks091 := func(c net.Conn) { says(method091(10, 10, start091))(c) }
	// A start with no properties, one mechanism and one locale.
	speaks010 := func(c net.Conn) {
		says(header010 + frame010("\x01\x01\x07\x00"+"\x00\x00\x00\x04\x00\x00\x00\x00"+
			"\x00\x00\x00\x0c\x95\x00\x00\x00\x01\x00\x05PLAIN"+"\x00\x00\x00\x0c\x95\x00\x00\x00\x01\x00\x05en_US"))(c)
	}
	for name, address := range map[string]string{
		"0-9-1":         broker(t, "", map[string]func(net.Conn){header091: speaks091}),
		"1.0":           broker(t, header10, map[string]func(net.Conn){header10: says(header10)}),
		"1.0 with SASL": broker(t, headerSASL, map[string]func(net.Conn){headerSASL: says(headerSASL + mechanisms10)}),
		"0-10":          broker(t, header010, map[string]func(net.Conn){header010: speaks010}),
	} {
		for _, user := range []string{"", "guest@"} { // without a password, a name is no credentials
			if err := probe(t, "amqp://"+user+address, long); err != nil {
				t.Errorf("%s, %q: %v", name, user, err)
			}
		}
	}
	wantFailure(t, probe(t, "amqp://"+broker(t, "AMQP\x01\x01\x08\x00", nil), long), service.WrongProtocol, "offers the protocol 1, version 1-8-0, only")
	wantFailure(t, probe(t, "amqp://"+broker(t, "AMQP\x02\x01\x00\x00", nil), long), service.WrongProtocol, "wants TLS first: use amqps://")
}

// A broker without the capability to say so closes the connection of who is not let in.
func TestAMQP091_closesAtLogin(t *testing.T) {
	closes := broker(t, "", map[string]func(net.Conn){header091: answersEach(method091(10, 10, start091), "")})
	wantFailure(t, probe(t, "amqp://me:pw@"+closes, long), service.Credentials, "closed the connection at the login")
	crashes := broker(t, "", map[string]func(net.Conn){header091: answersEach(method091(10, 10, strings.Replace(start091,
		"\x00\x00\x00\x00", "\x00\x00\x00\x1f\x1cauthentication_failure_closet\x01", 1)), "")})
	wantFailure(t, probe(t, "amqp://me:pw@"+crashes, long), service.HungUp, "in the middle of the answer")
}

// answersEach says each of the texts when something has been read since the last one.
func answersEach(texts ...string) func(net.Conn) {
	return func(c net.Conn) {
		for i, text := range texts {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			if i < len(texts)-1 {
				if _, err := c.Read(make([]byte, 4096)); err != nil {
					return
				}
			}
		}
	}
}

// The frames of the login at AMQP 1.0: an array of two mechanisms, and an outcome.
const mechanisms10 = "\x00\x00\x00\x22\x02\x01\x00\x00" + "\x00\x53\x40\xc0\x15\x01" + "\xe0\x12\x02\xa3" + "\x05PLAIN" + "\x09ANONYMOUS"

func outcome10(code string) string {
	return "\x00\x00\x00\x10\x02\x01\x00\x00\x00\x53\x44\xc0\x03\x01\x50" + code
}

func TestAMQP10_credentials(t *testing.T) {
	login := func(outcome string) string {
		return broker(t, header10, map[string]func(net.Conn){headerSASL: func(c net.Conn) {
			_, _ = io.WriteString(c, headerSASL+mechanisms10)
			reads(t, c, "\x00\x00\x00\x24\x02\x01\x00\x00\x00\x53\x41\xd0\x00\x00\x00\x14\x00\x00\x00\x02\xa3\x05PLAIN\xb0\x00\x00\x00\x04\x00m\x00p")
			_, _ = io.WriteString(c, outcome10(outcome))
		}})
	}
	if err := probe(t, "amqp://m:p@"+login("\x00"), long); err != nil {
		t.Error(err)
	}
	wantFailure(t, probe(t, "amqp://m:p@"+login("\x01"), long), service.Credentials, "refused the credentials")
	wantFailure(t, probe(t, "amqp://m:p@"+login("\x04"), long), service.NotReady, "SASL outcome 4")
	// Without a login at all, there is nothing to be refused.
	if err := probe(t, "amqp://m:p@"+broker(t, header10, map[string]func(net.Conn){header10: says(header10)}), long); err != nil {
		t.Error(err)
	}
}

// frame010 is a frame of AMQP 0-10 with a control.
func frame010(control string) string {
	size := binary.BigEndian.AppendUint16(nil, uint16(12+len(control)))
	return "\x0f\x00" + string(size) + "\x00\x00\x00\x00\x00\x00\x00\x00" + control
}

func TestAMQP010_credentials(t *testing.T) {
	login := func(answer string) string {
		return broker(t, header010, map[string]func(net.Conn){header010: func(c net.Conn) {
			_, _ = io.WriteString(c, header010+frame010("\x01\x01\x02\x00\x00\x00\x00\x0c\x95\x00\x00\x00\x01\x00\x05PLAIN"))
			reads(t, c, "\x0f\x00\x00\x2c\x00\x00\x00\x00\x00\x00\x00\x00"+"\x01\x02\x0f\x00"+"\x00\x00\x00\x04\x00\x00\x00\x00"+"\x05PLAIN"+
				"\x00\x00\x00\x04\x00m\x00p"+"\x05en_US")
			_, _ = io.WriteString(c, answer)
		}})
	}
	if err := probe(t, "amqp://m:p@"+login(frame010("\x01\x05\x01\x00\x7f\xff")), long); err != nil {
		t.Error(err)
	}
	// What qpidd says to a wrong password.
	refusal := "\x01\x0b\x03\x00\x01\x40\x28connection-forced: Authentication failed"
	wantFailure(t, probe(t, "amqp://m:p@"+login(frame010(refusal)), long), service.Credentials, "Authentication failed")
	wantFailure(t, probe(t, "amqp://m:p@"+login(frame010("\x01\x0b\x03\x00\x01\x40\x08shutdown")), long), service.NotReady, `"shutdown" (320)`)
	wantFailure(t, probe(t, "amqp://m:p@"+login(""), long), service.Credentials, "closed the connection at the login")
}
