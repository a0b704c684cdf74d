package publish_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// A base and a role go to a registry; their tags move when both are there.
func ExamplePublish() {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")

	var items []publish.Item
	for _, image := range []string{"app-base", "app-web"} {
		tag, err := name.NewTag(host + "/app/" + image + ":1.0")
		if err != nil {
			log.Fatal(err)
		}
		items = append(items, publish.Item{Name: image, Reference: tag, Content: empty.Image})
	}
	result, err := publish.Publish(context.Background(), items, publish.Options{
		Keychain:  authn.DefaultKeychain,
		Transport: http.DefaultTransport,
		Jobs:      2,
		Backoff:   publish.Backoff{Attempts: 3, First: time.Second, Longest: time.Minute},
		Patience:  30 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range result.Items {
		fmt.Println(item.Name, item.Digest.Hex[:12], item.TagMoved)
	}
	// Output:
	// app-base 732112270d7e true
	// app-web 732112270d7e true
}
