package service_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/service"
	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// serve runs a server that does the same with each connection, and returns its address. When the test ends, so have all connections.
func serve(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, l, do)
}

func serveOn(t *testing.T, l net.Listener, do func(net.Conn)) string {
	var serving sync.WaitGroup
	ended := make(chan struct{})
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				over := make(chan struct{})
				serving.Go(func() {
					select {
					case <-ended:
					case <-over:
					}
					c.Close()
				})
				do(c)
				close(over)
			})
		}
	})
	t.Cleanup(func() {
		close(ended)
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// Things that servers do.

func silence(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func hangUp(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }

func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		silence(c)
	}
}

func answers(text string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := c.Read(make([]byte, 4096)); err == nil {
			_, _ = io.WriteString(c, text)
		}
	}
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

func endless(c net.Conn) {
	for {
		if _, err := c.Write([]byte(strings.Repeat("x", 1<<16))); err != nil {
			return
		}
	}
}

// reads reads what a client is expected to send, or fails the test.
func reads(t *testing.T, c net.Conn, want string) {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("the client sent %q, %v, want %q", got, err, want)
	}
}

func newService(t *testing.T, url string) service.Service {
	t.Helper()
	u, err := serviceurl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := service.New(u)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// probe asks a service once.
func probe(t *testing.T, url string, timeout time.Duration) error {
	t.Helper()
	return newService(t, url).Probe(t.Context(), timeout)
}

const ( // for a server that answers, and for one that does not
	long  = 10 * time.Second
	short = 300 * time.Millisecond
)

// wantFailure checks why a service is not available.
func wantFailure(t *testing.T, err error, cause service.Cause, words string) {
	t.Helper()
	var f *service.Failure
	if !errors.As(err, &f) || f.Cause != cause || !strings.Contains(f.Words, words) {
		t.Errorf("got %#v (%v), want the cause %d and %q in it", f, err, cause, words)
	}
}

// A certificate is one that a test has made: signed by itself, and a file with it.
type certificate struct {
	tls  tls.Certificate
	file string
}

func newCertificate(t *testing.T, name string, until time.Time) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return certificate{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file}
}

// serveTLS runs a server with TLS.
func serveTLS(t *testing.T, c certificate, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{c.tls}}), do)
}
