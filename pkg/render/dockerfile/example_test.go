package dockerfile_test

import (
	"context"
	"fmt"
	"log"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/dockerfile"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

const shop = `version: 1
name: shop
registry: registry.example.com/shop
tag: "1.0"
environment:
  SHOP_NAME: {required: true}
images:
  base:
    from: debian:12
    steps:
      - apt: {packages: [nginx]}
  web:
    from: base
    ports: ["8080"]
    command: [nginx, -g, daemon off;]
`

func load() *family.Family {
	s, err := spec.Parse("shop.yaml", []byte(shop))
	if err != nil {
		log.Fatal(err)
	}
	f, err := family.Resolve(s, family.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return f
}

func ExampleGenerate() {
	files, err := dockerfile.Generate(context.Background(), load(), dockerfile.Options{SpecFile: "shop.yaml", Archs: []string{"amd64"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, file := range files {
		fmt.Println(file.Path)
	}
	// Output:
	// base/Dockerfile
	// build.sh
	// docker-bake.hcl
	// web/Dockerfile
}
