//go:build linux

package engine_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/engine"
)

// A remote engine is used and left running.
func TestRemote(t *testing.T) {
	t.Parallel()
	far := start(t, engine.Options{CacheDir: t.TempDir()})
	near := start(t, engine.Options{Address: far.Address()})
	if near.Kind() != engine.Remote || near.Address() != far.Address() {
		t.Errorf("got a %s engine at %s, want a remote one at %s", near.Kind(), near.Address(), far.Address())
	}
	mustBuild(t, near.Client())
	must(t, near.Close())
	mustBuild(t, far.Client())
}

// An address at which no engine answers gives a clear error.
func TestRemote_noAnswer(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"no socket":      "unix:///nowhere/buildkitd.sock",
		"nobody listens": "tcp://" + listen(t, nil),
		"hangs up":       "tcp://" + listen(t, func(c net.Conn) { c.Close() }),
		"speaks HTTP/1":  "tcp://" + listen(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); c.Close() }),
		"says nothing":   "tcp://" + listen(t, func(c net.Conn) { io.Copy(io.Discard, c) }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := engine.Start(context.Background(), engine.Options{Address: address})
			if !errors.Is(err, engine.ErrUnreachable) {
				t.Fatalf("got the error %v, want %v", err, engine.ErrUnreachable)
			}
			if n := strings.Count(err.Error(), address); n != 1 {
				t.Errorf("the error names the address %d times, want once: %v", n, err)
			}
		})
	}
}

// Proves too that each scheme has its helper: none of these programs is found.
func TestRemote_missingTool(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for address, tool := range map[string]string{
		"docker-container://builder":  "docker",
		"podman-container://builder":  "podman",
		"nerdctl-container://builder": "nerdctl",
		"kube-pod://builder":          "kubectl",
		"ssh://nobody@127.0.0.1":      "ssh",
	} {
		t.Run(tool, func(t *testing.T) {
			_, err := engine.Start(context.Background(), engine.Options{Address: address})
			if !errors.Is(err, engine.ErrUnreachable) {
				t.Fatalf("got the error %v, want %v", err, engine.ErrUnreachable)
			}
			if want := address + `: exec: "` + tool + `": executable file not found`; !strings.Contains(err.Error(), want) {
				t.Errorf("got the error %v, want one with %s", err, want)
			}
		})
	}
}

// A cancelled connect is not an unreachable engine.
func TestRemote_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	address := listen(t, func(c net.Conn) { cancel(); io.Copy(io.Discard, c) })
	_, err := engine.Start(ctx, engine.Options{Address: "tcp://" + address})
	if !errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrUnreachable) {
		t.Errorf("got the error %v, want %v alone", err, context.Canceled)
	}
}

func TestRemote_wrongAddress(t *testing.T) {
	t.Parallel()
	pair := engine.TLS{Cert: "c.pem", Key: "k.pem"}
	for _, test := range []struct {
		name    string
		options engine.Options
		want    string
	}{
		{"a path", engine.Options{Address: "/run/buildkit/buildkitd.sock"}, "did you mean unix:///run/buildkit/buildkitd.sock?"},
		{"a host and port", engine.Options{Address: "127.0.0.1:1234"}, "did you mean tcp://127.0.0.1:1234?"},
		{"a name and port", engine.Options{Address: "builder:1234"}, "did you mean tcp://builder:1234?"},
		{"a name", engine.Options{Address: "builder"}, "has no scheme such as unix://, tcp://"},
		{"an unknown scheme", engine.Options{Address: "ftp://builder"}, "known schemes: unix://, tcp://"},
		{"TLS for a socket", engine.Options{Address: "unix:///x", TLS: pair}, "TLS is for engines at tcp://"},
		{"a certificate without its key", engine.Options{Address: "tcp://x:1", TLS: engine.TLS{Cert: "c.pem"}}, "both a certificate and a key"},
		{"no certificate file", engine.Options{Address: "tcp://x:1", TLS: pair}, "c.pem: no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := engine.Start(context.Background(), test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got the error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestRemote_mutualTLS(t *testing.T) {
	t.Parallel()
	far := start(t, engine.Options{CacheDir: t.TempDir()})
	pki := newPKI(t)
	address := "tcp://" + pki.guard(t, strings.TrimPrefix(far.Address(), "unix://"))

	e := start(t, engine.Options{Address: address, TLS: pki.client(t)})
	mustBuild(t, e.Client())

	for name, tls := range map[string]engine.TLS{
		"none":                        {},
		"no certificate":              {CACert: pki.client(t).CACert, ServerName: serverName},
		"another authority's":         newPKI(t).client(t),
		"another name for the server": func() engine.TLS { c := pki.client(t); c.ServerName = "somebody.else"; return c }(),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := engine.Start(context.Background(), engine.Options{Address: address, TLS: tls})
			if !errors.Is(err, engine.ErrUnreachable) {
				t.Errorf("got the error %v, want %v", err, engine.ErrUnreachable)
			}
		})
	}
}

// listen accepts connections on 127.0.0.1 until the end of the test; without a
// handler, it is an address where nobody listens.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	if handle == nil {
		must(t, l.Close())
		return l.Addr().String()
	}
	serve(t, l, handle)
	return l.Addr().String()
}

// serve ends every connection, and waits for its handler, at the end of the test.
func serve(t *testing.T, l net.Listener, handle func(net.Conn)) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
	)
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() { handle(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
}

// writeFile makes a file in a folder of the test.
func writeFile(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, text, 0o600))
	return path
}
