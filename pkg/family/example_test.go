package family_test

import (
	"fmt"
	"log"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A spec may be resolved for another registry, and a part of its images selected.
func ExampleResolve() {
	s, err := spec.Parse("shop.yaml", []byte(`version: 1
name: shop
registry: registry.example.com/shop
tag: "1.0"
images:
  web: {from: base, command: [nginx]}
  jobs: {from: base, command: [python3, -m, shop.jobs]}
  base:
    from: debian:12
    steps:
      - apt: {packages: [nginx, python3]}
`))
	if err != nil {
		log.Fatal(err)
	}
	f, err := family.Resolve(s, family.Options{Registries: []string{"localhost:5000"}})
	if err != nil {
		log.Fatal(err)
	}
	f, err = f.Select("web")
	if err != nil {
		log.Fatal(err)
	}
	for _, image := range f.Images { // in build order
		fmt.Println(image.Reference, len(image.Steps), image.Config.Command)
	}
	// Output:
	// localhost:5000/base:1.0 1 []
	// localhost:5000/web:1.0 0 [nginx]
}
