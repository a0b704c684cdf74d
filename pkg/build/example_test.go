package build_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// TestMain leaves out the example where its engine cannot run: it needs root and, as `make` puts it there, the engine in this program.
func TestMain(m *testing.M) {
	flag.Parse()
	if _, err := bundle.Load(); err != nil || os.Geteuid() != 0 {
		fmt.Println("skipping the example: it needs root and the embedded engine")
		if err := flag.Set("test.skip", "^ExampleFamily$"); err != nil {
			log.Fatal(err)
		}
	}
	os.Exit(m.Run())
}

// What `pulpimg build --push` does. It builds on the embedded engine, so it needs root.
func ExampleFamily() {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	dir, err := os.MkdirTemp("", "pulpimg-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := buildAndPush(context.Background(), dir, strings.TrimPrefix(server.URL, "http://")); err != nil {
		log.Fatal(err)
	}
	// Output:
	// app-base: 1 layers, 0 of its parent
	// app-web: 2 layers, 1 of its parent
	// app-base: tag moved: true
	// app-web: tag moved: true
}

const app = `version: 1
name: app
registry: registry.example.com/app
tag: "1.0"
images:
  app-base:
    from: scratch
    steps:
      - files: {from: app.conf, to: /etc/app.conf}
  app-web:
    from: app-base
    steps:
      - files: {from: index.html, to: /srv/web/index.html}
`

func buildAndPush(ctx context.Context, dir, host string) error {
	for name, content := range map[string]string{"app.yaml": app, "app.conf": "debug = no\n", "index.html": "<title>Hello</title>\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	f, err := family.Load(filepath.Join(dir, "app.yaml"), family.Options{Registries: []string{host + "/app"}})
	if err != nil {
		return err
	}
	cache := build.Cache{Dir: filepath.Join(dir, "cache")} // the zero value is the cache of the pulpimg command
	into, err := cache.Layout(ctx, f)
	if err != nil {
		return err
	}
	defer into.Close()
	built, err := build.Family(ctx, f, into, build.Options{Cache: cache})
	if err != nil {
		return err
	}
	for _, image := range built.Images {
		for _, p := range image.Platforms {
			fmt.Printf("%s: %d layers, %d of its parent\n", image.Name, len(p.Layers), p.Shared)
		}
	}
	pushed, err := publish.Images(ctx, into, built.Build.Images, publish.Options{})
	if err != nil {
		return err
	}
	for _, item := range pushed.Items {
		fmt.Printf("%s: tag moved: %t\n", item.Name, item.TagMoved)
	}
	return nil
}
