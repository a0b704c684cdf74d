package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// at returns a request from one moment to another.
func at(begin, end int) request {
	return request{begin: time.UnixMilli(int64(begin)), end: time.UnixMilli(int64(end))}
}

func TestDepth(t *testing.T) {
	for _, tc := range []struct {
		name string
		all  traffic
		want int
	}{
		{"nothing", nil, 0},
		{"all at once", traffic{at(0, 30), at(1, 31), at(29, 60)}, 1},
		{"one after another", traffic{at(0, 30), at(30, 60), at(61, 90)}, 3},
		{"a long one beside three", traffic{at(0, 100), at(0, 30), at(31, 60), at(61, 90)}, 3},
		{"noted in another order", traffic{at(61, 90), at(10, 65), at(0, 30), at(31, 60)}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.all.depth(); got != tc.want {
				t.Errorf("got %d, want %d: %v", got, tc.want, tc.all.chain())
			}
		})
	}
}

func TestWire_countsBlobs(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Errorf("after %d bytes: %v", n, err)
		}
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, "layer")
		}
	}))
	defer server.Close()
	w := newWire()
	host, err := w.serve(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, r := range []struct{ method, path, body string }{
		{http.MethodPatch, "/v2/a/blobs/uploads/1", "123"},
		{http.MethodPatch, "/v2/a/blobs/uploads/2", "12345"},
		{http.MethodPut, "/v2/a/blobs/uploads/1?digest=base", "4567"},
		{http.MethodPut, "/v2/a/blobs/uploads/2?digest=other", ""},
		{http.MethodGet, "/v2/a/blobs/base", ""},
		{http.MethodGet, "/v2/a/blobs/other", ""},
	} {
		req, err := http.NewRequest(r.method, "http://"+host+r.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	seen := w.take()
	base := map[string]bool{"base": true}
	if sent, of, received := seen.sent(), seen.sentOf(base), seen.receivedOf(base); sent != 12 || of != 7 || received != 5 {
		t.Errorf("sent %d, of the base %d, received of it %d", sent, of, received)
	}
	if len(w.take()) > 0 {
		t.Error("requests are there twice")
	}
}

func TestWire_delays(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	w := newWire()
	host, err := w.serve(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	const delay = 20 * time.Millisecond
	w.setDelay(delay)
	begin := time.Now()
	resp, err := http.Get("http://" + host + "/v2/")
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < delay {
		t.Errorf("answered after %s", took)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestReport_amounts(t *testing.T) {
	for _, tc := range []struct {
		name string
		has  amount
		met  bool
		want string
	}{
		{"with bake's", amount{what: "requests", pulpimg: 4, most: 4}.against(12), true, "requests            4        12           <= 4    met"},
		{"alone", amount{what: "requests", pulpimg: 2.5, most: 3}, true, "requests            2.5                   <= 3    met"},
		{"too many", amount{what: "bytes", pulpimg: 1}.against(0), false, "bytes               1        0            <= 0    MISSED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			if got := report(&out, findings{amounts: []amount{tc.has}}); got != tc.met {
				t.Errorf("met: %t", got)
			}
			if !strings.Contains(out.String(), tc.want) {
				t.Errorf("%q is not in:\n%s", tc.want, &out)
			}
		})
	}
}
