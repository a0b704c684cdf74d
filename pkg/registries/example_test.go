package registries_test

import (
	"fmt"
	"log"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

func Example() {
	config, err := registries.Load(registries.Options{
		Mirrors:   []registries.Mirror{{Of: "quay.io", At: "mirror.example.com:5000/quay"}},
		PlainHTTP: []string{"mirror.example.com:5000"},
	})
	if err != nil {
		log.Fatal(err)
	}
	sources, err := config.Sources("quay.io/centos/centos:stream10")
	if err != nil {
		log.Fatal(err)
	}
	for _, source := range sources {
		fmt.Println(source.Reference)
	}
	fmt.Println(config.Host("http", "mirror.example.com:5000").PlainHTTP)
	// Output:
	// mirror.example.com:5000/quay/centos/centos:stream10
	// quay.io/centos/centos:stream10
	// true
}
