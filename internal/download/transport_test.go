package download_test

import (
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/download"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

func gzipped(t *testing.T, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Only additional authorities make the certificate of a server one that is trusted.
func TestTransport(t *testing.T) {
	t.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that trust nobody
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		cas []string
		err string
	}{
		{nil, "certificate signed by unknown authority"},
		{[]string{ca}, ""},
	} {
		config, err := registries.Load(registries.Options{CAs: test.cas, Root: t.TempDir(), Getenv: func(string) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		transport, err := download.Transport(config)
		if err != nil {
			t.Fatal(err)
		}
		got, err := download.Fetcher{Transport: transport}.Get(t.Context(), urlOf(t, server.URL+"/f"), "")
		switch {
		case test.err == "" && (err != nil || string(got) != "a"):
			t.Errorf("got %q, %v", got, err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("the error is %v", err)
		}
	}
}
