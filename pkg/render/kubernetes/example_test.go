package kubernetes_test

import (
	"fmt"
	"log"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
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

func ExampleWorkloads() {
	objects, err := kubernetes.Workloads(load(), kubernetes.Options{
		Images: map[string]string{"web": "registry.example.com/shop/web:1.0"},
		Values: map[string]string{"SHOP_NAME": "Books"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, object := range objects {
		fmt.Println(object.GetObjectKind().GroupVersionKind().Kind, object.GetName())
	}
	// Output:
	// ConfigMap shop
	// Service web
	// Deployment web
}
