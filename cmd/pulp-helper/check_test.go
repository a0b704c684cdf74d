//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name, answer, want string
		code               int
	}{
		{"the page", "HTTP/1.1 200 OK\r\n\r\nhello", "", exitOK},
		{"no page, but no problem", "HTTP/1.1 204 No Content\r\n\r\n", "", exitOK},
		{"another page, which is not asked for", "HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "", exitOK},
		{"no such page", "HTTP/1.1 404 Not Found\r\n\r\n", `not ready: the server answers "404 Not Found"`, exitUnavailable},
		{"a refusal", "HTTP/1.1 401 Unauthorized\r\n\r\n", `not ready: the server answers "401 Unauthorized"`, exitUnavailable},
		{"a server that fails", "HTTP/1.1 503 Service Unavailable\r\n\r\n", `not ready: the server answers "503 Service Unavailable"`, exitUnavailable},
		{"another protocol", "+PONG\r\n", "something else listens there", exitUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			host, port := answering(t, test.answer)
			p, stderr := inImage(t, contract.Contract{}, nil)
			p.contract = "/no/contract" // it is not needed
			url := "http://" + host + ":" + port + "/health?a=b"
			code := p.run(t.Context(), []string{"check", url})
			if want := "pulp-helper: check: http://" + host + ":" + port + "/health"; code != test.code || test.want == "" && stderr.Len() > 0 ||
				test.want != "" && (!strings.HasPrefix(stderr.String(), want) || !strings.Contains(stderr.String(), test.want)) {
				t.Errorf("exit code %d, standard error %q, want %q", code, stderr, test.want)
			}
		})
	}
}

// A server that says nothing has the time of the flag.
func TestCheck_timeout(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	p, stderr := inImage(t, contract.Contract{}, nil)
	code := p.run(t.Context(), []string{"check", "--timeout", "200ms", "http://" + l.Addr().String()})
	if code != exitUnavailable || !strings.Contains(stderr.String(), "no answer within 200ms") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestCheck_wrongCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"check":                       "name one URL",
		"check http://h http://h":     "name one URL",
		"check https://h":             "it is http://HOST:PORT/PATH",
		"check tcp://h:1":             "it is http://HOST:PORT/PATH",
		"check database":              "database",
		"check --timeout 3 http://h":  "it is a time above 0 with its unit",
		"check --timeout 0s http://h": "it is a time above 0 with its unit",
	} {
		p, stderr := inImage(t, contract.Contract{}, nil)
		if code := p.run(t.Context(), strings.Fields(args)); code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, standard error %q, want %q", args, code, stderr, want)
		}
	}
}
