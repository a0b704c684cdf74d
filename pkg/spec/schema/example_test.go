package schema_test

import (
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// The description names the keys of each mapping of the language.
func ExampleSpec() {
	for _, key := range schema.Spec().Keys {
		fmt.Println(key.Name)
	}
	// Output:
	// version
	// extends
	// name
	// registry
	// registries
	// tag
	// tags
	// immutable
	// refresh
	// records
	// labels
	// variables
	// environment
	// settings
	// services
	// kubernetes
	// images
}
