package registry

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"context"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/bcrypt"

	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"             // the access controller
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // the storage driver
)

// Credentials are the one user that a registry lets in.
type Credentials struct{ User, Password string }

// Registry is a registry that serves http requests.
type Registry struct {
	app *handlers.App
}

// LogTo sends what the registries of this process log to w: one line for each
// request among them. The library has one logger for all of them and no other
// way to choose it.
func LogTo(w io.Writer) { logrus.SetOutput(w) }

// Open returns the registry whose storage is in the folder dir, which is made
// if it is not there. Several registries may share it. With credentials, it
// refuses everyone else.
func Open(ctx context.Context, dir string, credentials *Credentials) (r *Registry, err error) {
	config := &configuration.Configuration{Storage: configuration.Storage{
		"filesystem": configuration.Parameters{"rootdirectory": dir},
		"delete":     configuration.Parameters{"enabled": true},
		// Uploads that were given up go with the folder.
		"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
	}}
	config.Catalog.MaxEntries = 1000
	if credentials != nil {
		file, err := writePasswords(dir, *credentials)
		if err != nil {
			return nil, err
		}
		config.Auth = configuration.Auth{"htpasswd": configuration.Parameters{"realm": "lab", "path": file}}
	}
	// The library panics on a configuration that it cannot use, such as a
	// folder that it may not write to.
	defer func() {
		if reason := recover(); reason != nil {
			r, err = nil, fmt.Errorf("opening the registry in %s: %v", dir, reason)
		}
	}()
	return &Registry{app: handlers.NewApp(ctx, config)}, nil
}

// ServeHTTP answers a request to the registry.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.app.ServeHTTP(w, req) }

// Close ends what the registry has running. Its storage stays.
func (r *Registry) Close() error { return r.app.Shutdown() }

// writePasswords writes the htpasswd file beside the storage.
func writePasswords(dir string, c Credentials) (string, error) {
	// It guards nothing, and is checked on every request: the least cost will do.
	hash, err := bcrypt.GenerateFromPassword([]byte(c.Password), bcrypt.MinCost)
	if err != nil {
		return "", fmt.Errorf("hashing the registry's password: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "htpasswd")
	return file, os.WriteFile(file, fmt.Appendf(nil, "%s:%s\n", c.User, hash), 0o600)
}
