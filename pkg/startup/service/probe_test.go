package service_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/service"
)

// asked are URLs of all protocols in which a server has to say something.
var asked = []string{"mongodb://", "amqp://", "redis://", "postgres://", "http://"}

// A server of another kind is recognised.
func TestProbe_wrongProtocol(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	secured := serveTLS(t, newCertificate(t, "127.0.0.1", time.Now().Add(time.Hour)), silence)
	for _, server := range []struct {
		name, address, want string
		but                 string // the protocol that is its own
	}{
		{"a web server", strings.TrimPrefix(web.URL, "http://"), "a web server", "http://"},
		{"an SSH server", serve(t, says("SSH-2.0-OpenSSH_9.2\r\n")), `an SSH server ("SSH-2.0-OpenSSH_9.2")`, ""},
		{"a mail server", serve(t, says("220 mx ESMTP\r\n")), `a mail or FTP server ("220 mx ESMTP")`, ""},
		{"a MySQL server", serve(t, says("J\x00\x00\x00\x0a8.0.36\x00")), "a MySQL or MariaDB server", ""},
		{"a Redis server", serve(t, answers("-ERR unknown command\r\n")), "a Redis server", "redis://"},
		{"a broker", serve(t, answers("AMQP\x00\x00\x09\x01")), "an AMQP broker", "amqp://"},
		{"a server with TLS", secured, "a TLS server", ""},
		{"garbage", serve(t, answers("\x07\x08 what?\x00\x01 and more of it, much more than anybody wants to read\n")), "something that says \"what?", ""},
	} {
		for _, scheme := range asked {
			if scheme == server.but {
				continue
			}
			t.Run(scheme+server.name, func(t *testing.T) {
				wantFailure(t, probe(t, scheme+server.address, 2*time.Second), service.WrongProtocol, server.want)
			})
		}
	}
}

// A server that sends nothing gives another error than one that does not exist.
func TestProbe_silent(t *testing.T) {
	silent, closing := serve(t, silence), serve(t, hangUp)
	for _, scheme := range asked {
		t.Run(scheme, func(t *testing.T) {
			wantFailure(t, probe(t, scheme+silent, short), service.Silent, "it accepted the connection, but gave no answer within 300ms")
			wantFailure(t, probe(t, scheme+closing, long), service.HungUp, "it closed the connection without an answer")
			wantFailure(t, probe(t, scheme+"127.0.0.1:1", long), service.Refused, "connection refused: nothing listens there")
			wantFailure(t, probe(t, scheme+"no-such-host.invalid", long), service.Unresolved, "the name does not resolve")
		})
	}
}

// A server that fails in its own protocol is not taken for one of another kind.
func TestProbe_rightProtocol(t *testing.T) {
	slow := serve(t, func(c net.Conn) {
		request := make([]byte, 4096)
		if n, err := c.Read(request); err == nil && !strings.HasPrefix(string(request[:n]), "GET /slow ") {
			_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
			return
		}
		silence(c)
	})
	wantFailure(t, probe(t, "http://"+slow+"/slow", short), service.Silent, "gave no answer within 300ms")
	half := serve(t, says("HTTP/1.1 200"))
	wantFailure(t, probe(t, "http://"+half, time.Second), service.Silent, "the answer did not come to its end within 1s")
	c := newCertificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	closing := serveTLS(t, c, func(c net.Conn) { _ = c.(*tls.Conn).Handshake() })
	wantFailure(t, probe(t, "amqps://"+closing+"?cacertfile="+c.file, long), service.HungUp, "it closed the connection without an answer")
}

// An answer that does not end is not read forever.
func TestProbe_endlessAnswer(t *testing.T) {
	address := serve(t, endless)
	for _, scheme := range asked {
		if err := probe(t, scheme+address, long); err == nil {
			t.Errorf("%s: available", scheme)
		}
	}
}

// The password is hidden even if the server repeats it.
func TestProbe_echoedPassword(t *testing.T) {
	address := serve(t, echo)
	for _, scheme := range asked {
		err := probe(t, scheme+"me:s3cret@"+address, short)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

// A message shows a part of what a server says: no part of a password, however the part was cut.
func TestProbe_cutPassword(t *testing.T) {
	address := serve(t, echo)
	for _, password := range []string{"hunter2secret", "hunte  r2\tsecret", "hunter" + strings.Repeat("2", 200), "hunt\u00e9" + strings.Repeat("\u00e9", 60)} {
		err := probe(t, "redis://:"+url.PathEscape(password)+"@"+address, long)
		wantFailure(t, err, service.WrongProtocol, `something that says "*2 $4 AUTH $`)
		if strings.Contains(err.Error(), "hunt") {
			t.Errorf("%q: %v", password, err)
		}
	}
	repeating := serve(t, answers("-ERR "+strings.Repeat("x", 150)+" hunter2secret\r\n"))
	if err := probe(t, "redis://:hunter2secret@"+repeating, long); err == nil || strings.Contains(err.Error(), "hunt") {
		t.Errorf("cut at the end of a long text: %v", err)
	}
	web := serve(t, says("HTTP/1.1 400 "+strings.Repeat("x", 76)+" hunter2secret\r\n"))
	if err := probe(t, "redis://:hunter2secret@"+web, long); err == nil || strings.Contains(err.Error(), "hunt") {
		t.Errorf("cut where the beginning of an answer ends: %v", err)
	}
	longer := newService(t, "redis://:hunter@"+serve(t, answers("-ERR hunter2secret\r\n"))).Masked(nil, "hunter2secret")
	wantFailure(t, longer.Probe(t.Context(), long), service.Credentials, `"ERR ***"`)
}

func TestProbe_TLS(t *testing.T) {
	good := newCertificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	other := newCertificate(t, "db.example.com", time.Now().Add(time.Hour))
	old := newCertificate(t, "127.0.0.1", time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC))
	pong := answers("+PONG\r\n")
	plain := serve(t, answers("-ERR\r\n"))
	for _, test := range []struct{ name, url, want string }{
		{"an authority that nobody knows", "rediss://" + serveTLS(t, good, pong), "signed by an authority that is not trusted here"},
		{"another name", "rediss://" + serveTLS(t, other, pong) + "?ssl_ca_certs=" + other.file, "for another name: db.example.com"},
		{"too old", "rediss://" + serveTLS(t, old, pong) + "?ssl_ca_certs=" + old.file, "valid from 2019-12-31 to 2020-01-02 only"},
		{"none", "rediss://" + plain, "the server does not speak it: it looks like a Redis server"},
		{"none at a database", "mongodb://" + plain + "/?tls=true", "the server does not speak it"},
		{"PostgreSQL without it", "postgres://" + serve(t, answers("N")) + "?sslmode=require", "server refused TLS connection"},
	} {
		t.Run(test.name, func(t *testing.T) { wantFailure(t, probe(t, test.url, long), service.TLS, test.want) })
	}
	for _, options := range []string{"ssl_ca_certs=" + good.file, "ssl_cert_reqs=none"} {
		if err := probe(t, "rediss://"+serveTLS(t, good, pong)+"?"+options, long); err != nil {
			t.Errorf("%s: %v", options, err)
		}
	}
	if err := probe(t, "rediss://"+serveTLS(t, other, pong)+"?ssl_check_hostname=false&ssl_ca_certs="+other.file, long); err != nil {
		t.Errorf("the name is not to be checked: %v", err)
	}
	wantFailure(t, probe(t, "rediss://"+serveTLS(t, other, pong)+"?ssl_check_hostname=false&ssl_ca_certs="+good.file, long), service.TLS, "not trusted")
}

// One host that is available is enough.
func TestProbe_severalHosts(t *testing.T) {
	redis, nobody := serve(t, silence), "127.0.0.1:1"
	if err := probe(t, "mongodb://"+nobody+","+mongo24(t, nil)+","+redis, long); err != nil {
		t.Error(err)
	}
	err := probe(t, "mongodb://"+nobody+",localhost:1", long)
	if want := "127.0.0.1:1: connection refused: nothing listens there; localhost:1: connection refused: nothing listens there"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// The web server's status decides whether it is available.
func TestHTTP_status(t *testing.T) {
	web := func(status string) string {
		return serve(t, answers("HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n"))
	}
	for _, url := range []string{"http://" + web("200 OK"), "http://" + web("404 Not Found"), "http://" + web("401 Unauthorized"), "http://" + web("204")} {
		if err := probe(t, url, long); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	wantFailure(t, probe(t, "http://"+web("503 Service Unavailable"), long), service.NotReady, `not ready: the server answers "503 Service Unavailable"`)
	wantFailure(t, probe(t, "http://me:pw@"+web("403 Forbidden"), long), service.Credentials, `the server refused the credentials: "403 Forbidden"`)
}

func TestHTTP_request(t *testing.T) {
	got := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r }))
	defer server.Close()
	if err := probe(t, "http://me:p%40%3A@"+strings.TrimPrefix(server.URL, "http://")+"/a%20b?c=d;e", long); err != nil {
		t.Fatal(err)
	}
	r := <-got
	user, password, _ := r.BasicAuth()
	if r.RequestURI != "/a%20b?c=d;e" || user != "me" || password != "p@:" {
		t.Errorf("asked for %s as %q with %q", r.RequestURI, user, password)
	}
}

// Redis's answer decides whether it is available.
func TestRedis_answers(t *testing.T) {
	redis := func(answers ...string) string {
		return serve(t, func(c net.Conn) {
			for _, a := range answers {
				_, _ = c.Read(make([]byte, 4096))
				_, _ = c.Write([]byte(a + "\r\n"))
			}
		})
	}
	for _, url := range []string{"redis://" + redis("+PONG"), "redis://" + redis("-NOAUTH Authentication required."), "redis://me:pw@" + redis("+OK", "+PONG")} {
		if err := probe(t, url, long); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	wantFailure(t, probe(t, "redis://"+redis("-LOADING Redis is loading the dataset in memory"), long), service.NotReady, "loading the dataset")
	wantFailure(t, probe(t, "redis://me:pw@"+redis("-WRONGPASS invalid username-password pair"), long), service.Credentials, "WRONGPASS")
	wantFailure(t, probe(t, "redis://:pw@"+redis("-ERR invalid password"), long), service.Credentials, "invalid password")
}

// A probe that is cancelled leaves nothing behind.
func TestProbe_cancelled(t *testing.T) {
	silent := serve(t, silence)
	before := runtime.NumGoroutine()
	why := errors.New("stop")
	for _, scheme := range append(asked, "rediss://", "amqps://") {
		ctx, cancel := context.WithCancelCause(t.Context())
		timer := time.AfterFunc(20*time.Millisecond, func() { cancel(why) })
		if err := newService(t, scheme+silent).Probe(ctx, long); err != why {
			t.Errorf("%s: got %v, want %v", scheme, err, why)
		}
		timer.Stop()
	}
	// What the server does with the connections that ended takes a moment.
	for deadline := time.Now().Add(long); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
