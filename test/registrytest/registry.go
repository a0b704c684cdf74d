package registrytest

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd" // the access controllers that tests configure
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/bcrypt"
)

// Option configures the registry.
type Option func(testing.TB, *configuration.Configuration)

// Start runs a registry that keeps its data in a directory of the test, and gives its handler.
// A registry is served through a [Proxy], which knows the address that clients see.
func Start(t testing.TB, opts ...Option) http.Handler {
	t.Helper()
	logrus.SetOutput(io.Discard)
	config := &configuration.Configuration{
		Storage: configuration.Storage{"filesystem": {"rootdirectory": t.TempDir()}},
	}
	config.HTTP.Secret = "known to the only instance"
	for _, opt := range opts {
		opt(t, config)
	}
	ctx, cancel := context.WithCancel(context.Background())
	app := handlers.NewApp(ctx, config)
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Errorf("ending the registry: %v", err)
		}
		cancel()
	})
	return app
}

// WithUser lets nobody in but user.
func WithUser(user, password string) Option {
	return func(t testing.TB, c *configuration.Configuration) {
		t.Helper()
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "htpasswd")
		if err := os.WriteFile(file, []byte(user+":"+string(hash)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c.Auth = configuration.Auth{"htpasswd": {"realm": "registrytest", "path": file}}
	}
}
