package mirror

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func serve(t *testing.T, revision string) *httptest.Server {
	t.Helper()
	repository := func(body string) fstest.MapFS { return fstest.MapFS{"repodata/repomd.xml": {Data: []byte(body)}} }
	handler, err := New(Config{
		URL:      "http://127.0.0.1:8000",
		Packages: repository("packages"), Empty: repository("empty"), Debian: fstest.MapFS{"Packages": {Data: []byte("debian")}},
		Arch: "x86_64", Revision: revision,
		Modified: time.Date(2013, time.December, 17, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestTheMirrorServesWhatTheSpecsAskFor(t *testing.T) {
	server := serve(t, "r1")
	for path, want := range map[string]string{
		"/fedora-pulp.repo":                          "baseurl=http://127.0.0.1:8000/pulp/fedora-$releasever/$basearch/\n",
		"/rhel-pulp.repo":                            "baseurl=http://127.0.0.1:8000/pulp/$releasever/$basearch/\n",
		"/pulp/fedora-20/x86_64/repodata/repomd.xml": "packages",
		"/pulp/7/x86_64/repodata/repomd.xml":         "packages",
		"/vault/os/x86_64/repodata/repomd.xml":       "empty",
		"/epel/repodata/repomd.xml":                  "empty",
		"/apt/Packages":                              "debian",
		"/RPM-GPG-KEY-EPEL-7":                        "BEGIN PGP PUBLIC KEY BLOCK",
	} {
		response, body := get(t, server.URL+path)
		if response.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, want %q in:\n%s", path, response.StatusCode, want, body)
		}
	}
}

func TestWhatIsNotThereIs404(t *testing.T) {
	server := serve(t, "r1")
	for _, path := range []string{
		"/", "/other.repo", "/pulp/fedora-20/aarch64/repodata/repomd.xml",
		"/pulp/fedora-$releasever/x86_64/repodata/repomd.xml", "/vault/os/x86_64/none.rpm",
	} {
		if response, _ := get(t, server.URL+path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, response.StatusCode)
		}
	}
}

func TestTheRepoFileChangesWithThePackagesAndOnlyThen(t *testing.T) {
	first, firstBody := get(t, serve(t, "r1").URL+FedoraRepo)
	again, _ := get(t, serve(t, "r1").URL+FedoraRepo)
	other, otherBody := get(t, serve(t, "r2").URL+FedoraRepo)
	for _, header := range []string{"ETag", "Last-Modified"} {
		if got, want := again.Header.Get(header), first.Header.Get(header); got != want || got == "" {
			t.Errorf("%s %q, at first %q", header, got, want)
		}
	}
	if firstBody == otherBody || first.Header.Get("ETag") == other.Header.Get("ETag") {
		t.Errorf("other packages, the same file:\n%s", otherBody)
	}
}
