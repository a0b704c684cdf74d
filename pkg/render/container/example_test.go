package container_test

import (
	"fmt"
	"log"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/container"
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
    user: www-data
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

func ExampleNew() {
	f := load()
	web, _ := f.Image("web")
	command, err := container.New(f, web, container.Options{
		Tool: "podman", Reference: web.Reference, Detach: true,
		Values: map[string]string{"SHOP_NAME": "Books"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(command)
	// Output:
	// podman run -d --name web --hostname web --stop-timeout 30 --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:8080:8080 -e SHOP_NAME=Books registry.example.com/shop/web:1.0
}
