package layout_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A build adds blobs first, and then the images that are made of them.
func ExampleLayout_Add() {
	dir, err := os.MkdirTemp("", "layout-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := layout.Open(context.Background(), dir)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	_, err = l.Builds()
	fmt.Println(errors.Is(err, layout.ErrEmpty))

	platform := ocispec.Platform{OS: "linux", Architecture: "amd64"}
	config, err := l.Blobs().WriteJSON(ocispec.MediaTypeImageConfig, ocispec.Image{Platform: platform})
	if err != nil {
		log.Fatal(err)
	}
	manifest, err := l.Blobs().WriteJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: config})
	if err != nil {
		log.Fatal(err)
	}
	manifest.Platform = &platform
	web, err := l.Combine("web", []string{"registry.example.com/web:1.0"}, []ocispec.Descriptor{manifest}, nil)
	if err != nil {
		log.Fatal(err)
	}
	built, err := l.Add(context.Background(), layout.Build{Images: []layout.Image{web}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("build", built.Number, "has", built.Images[0].Reference())
	// Output:
	// true
	// build 1 has registry.example.com/web:1.0
}
