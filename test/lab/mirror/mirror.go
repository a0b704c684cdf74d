package mirror

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"text/template"
	"time"
)

//go:embed assets
var assets embed.FS

// Paths on the server.
const (
	FedoraRepo = "/fedora-pulp.repo"
	RHELRepo   = "/rhel-pulp.repo"
	Vault      = "/vault" // os/$basearch/ below it
	EPEL       = "/epel"
	EPELKey    = "/RPM-GPG-KEY-EPEL-7"
	Apt        = "/apt" // a flat repository of Debian packages
)

// Config is what a mirror serves.
type Config struct {
	URL      string // of the mirror itself, http://127.0.0.1:PORT: the .repo files refer to it
	Packages fs.FS  // the yum repository with the packages
	Empty    fs.FS  // a yum repository without any
	Debian   fs.FS  // the repository of Debian packages
	Arch     string // what yum calls $basearch
	Revision string // names the contents of Packages: it becomes part of the .repo files, so that a build cache can tell

	Modified time.Time // of all files that are not in Packages or Empty
}

// New returns the mirror's handler. A path that it does not have, another
// architecture's among them, is answered with 404.
func New(c Config) (http.Handler, error) {
	mux := http.NewServeMux()
	for _, path := range []string{FedoraRepo, RHELRepo, EPELKey} {
		body, err := c.file(path)
		if err != nil {
			return nil, err
		}
		mux.Handle("GET "+path, c.serve(body))
	}
	for path, tree := range map[string]fs.FS{
		"/pulp/fedora-20/" + c.Arch + "/": c.Packages,
		"/pulp/7/" + c.Arch + "/":         c.Packages,
		Vault + "/os/" + c.Arch + "/":     c.Empty,
		EPEL + "/":                        c.Empty,
		Apt + "/":                         c.Debian,
	} {
		mux.Handle("GET "+path, http.StripPrefix(path, http.FileServerFS(tree)))
	}
	return mux, nil
}

// file returns the file with that path, filled in.
func (c Config) file(path string) ([]byte, error) {
	text, err := template.ParseFS(assets, "assets"+path)
	if err != nil {
		return nil, fmt.Errorf("reading the template of %s: %w", path, err)
	}
	var body bytes.Buffer
	if err := text.Execute(&body, c); err != nil {
		return nil, fmt.Errorf("filling in %s: %w", path, err)
	}
	return body.Bytes(), nil
}

func (c Config) serve(body []byte) http.Handler {
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(body))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		http.ServeContent(w, r, "", c.Modified, bytes.NewReader(body))
	})
}
