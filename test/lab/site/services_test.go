package site

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheServicesOfALab(t *testing.T) {
	lab := startWith(t, true)

	t.Run("the database says hello and lets everybody in", func(t *testing.T) {
		if answer := command(t, lab.MongoDB, "hello"); !strings.Contains(answer, "isWritablePrimary") {
			t.Errorf("hello: %q", answer)
		}
		if answer := command(t, lab.MongoDB, "listDatabases"); !strings.Contains(answer, "totalSize") {
			t.Errorf("listDatabases: %q", answer)
		}
	})
	t.Run("the guarded database says hello and asks who one is", func(t *testing.T) {
		if answer := command(t, lab.AuthMongoDB, "hello"); !strings.Contains(answer, "isWritablePrimary") {
			t.Errorf("hello: %q", answer)
		}
		if answer := command(t, lab.AuthMongoDB, "listDatabases"); !strings.Contains(answer, "requires authentication") {
			t.Errorf("listDatabases: %q", answer)
		}
	})
	t.Run("the broker answers each version of AMQP", func(t *testing.T) {
		for header, want := range map[string]string{
			"AMQP\x00\x00\x09\x01": "\x01\x00\x00",         // 0-9-1: a method frame on channel 0
			"AMQP\x03\x01\x00\x00": "AMQP\x03\x01\x00\x00", // 1.0 with SASL
			"AMQP\x01\x01\x00\x0a": "AMQP\x00\x00\x09\x01", // 0-10: what it speaks instead
		} {
			conn := dial(t, lab.AMQP)
			if got := ask(t, conn, header, len(want)); got != want {
				t.Errorf("the answer to %q is %q, want %q", header, got, want)
			}
		}
	})
	t.Run("the broker lets in who has the password", func(t *testing.T) {
		for _, tc := range []struct {
			user, password string
			want           bool
		}{
			{"guest", "guest", true},
			{lab.AuthUser, lab.AuthPassword, true},
			{"guest", lab.AuthPassword, false},
			{"nobody", "", false},
		} {
			if got := login(t, lab.AMQP, tc.user, tc.password); got != tc.want {
				t.Errorf("%s with %q is let in: %t", tc.user, tc.password, got)
			}
		}
	})
	t.Run("each can be stopped and started", func(t *testing.T) {
		for name, address := range map[string]string{mongoDB: lab.MongoDB, authMongoDB: lab.AuthMongoDB, amqp: lab.AMQP} {
			post(t, lab.Control+"/"+name+"/stop")
			if conn, err := net.Dial("tcp", address); err == nil {
				conn.Close()
				t.Errorf("%s is stopped and listens", name)
			}
			post(t, lab.Control+"/"+name+"/start")
			dial(t, address)
		}
	})
}

func TestALabWithoutServicesHasNoValuesForThem(t *testing.T) {
	for _, value := range start(t).Env() {
		if name, _, _ := strings.Cut(value, "="); strings.HasSuffix(name, "MONGODB") || name == "LAB_AMQP" || name == "LAB_CONTROL" {
			t.Errorf("%s", value)
		}
	}
}

func TestTheServicesPortsAreDistinctAndRemembered(t *testing.T) {
	s, err := newCache(t).takeSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.lock.unlock()
	var runs []ports
	for range 2 {
		servers, err := s.listen()
		if err != nil {
			t.Fatal(err)
		}
		control, p, err := s.reserve()
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, p)
		control.Close()
		servers.Close()
	}
	if runs[0] != runs[1] {
		t.Errorf("the first run has %+v, the second %+v", runs[0], runs[1])
	}
	p, used := runs[0], map[int]bool{}
	for _, port := range []int{p.Registry, p.AuthRegistry, p.Mirror, p.Control, p.MongoDB, p.AuthMongoDB, p.AMQP, p.Distribution, p.EPMD} {
		if port == 0 || used[port] {
			t.Errorf("port %d twice or not at all: %+v", port, p)
		}
		used[port] = true
	}
}

func post(t *testing.T, url string) {
	t.Helper()
	response, err := http.Post(url, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("%s: %s: %s", url, response.Status, text)
	}
}

// dial connects to the address until the end of the test. A server that does
// not answer fails the test.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// ask sends the request and returns the first size bytes of the answer, or
// what came until the server closed the connection.
func ask(t *testing.T, conn net.Conn, request string, size int) string {
	t.Helper()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, int64(size)))
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	return string(answer)
}

// command sends MongoDB's OP_MSG {name: 1, $db: "admin"} and returns the body
// of the answer.
func command(t *testing.T, address, name string) string {
	t.Helper()
	document := "\x10" + name + "\x00\x01\x00\x00\x00" + "\x02$db\x00\x06\x00\x00\x00admin\x00" + "\x00"
	const opMsg, flagsAndKind = 2013, "\x00\x00\x00\x00\x00"
	var message bytes.Buffer
	for _, part := range []any{
		int32(16 + len(flagsAndKind) + 4 + len(document)), int32(1), int32(0), int32(opMsg),
		[]byte(flagsAndKind), int32(4 + len(document)), []byte(document),
	} {
		if err := binary.Write(&message, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	conn := dial(t, address)
	header := ask(t, conn, message.String(), 16)
	if len(header) < 16 {
		t.Fatalf("%s: no answer", name)
	}
	return ask(t, conn, "", int(binary.LittleEndian.Uint32([]byte(header)))-16)
}

// login says who one is by AMQP 0-9-1 and returns whether the broker goes on.
func login(t *testing.T, address, user, password string) bool {
	t.Helper()
	conn := dial(t, address)
	frame := ask(t, conn, "AMQP\x00\x00\x09\x01", 7)
	ask(t, conn, "", int(binary.BigEndian.Uint32([]byte(frame[3:])))+1)

	// connection.start-ok: no properties, the mechanism, its response, the locale.
	response := "\x00" + user + "\x00" + password
	payload := "\x00\x0a\x00\x0b" + "\x00\x00\x00\x00" + "\x05PLAIN" +
		string(binary.BigEndian.AppendUint32(nil, uint32(len(response)))) + response + "\x05en_US"
	startOK := "\x01\x00\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(len(payload)))) + payload + "\xce"
	const tune = "\x00\x0a\x00\x1e"
	return strings.HasSuffix(ask(t, conn, startOK, 11), tune)
}
