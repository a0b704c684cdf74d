package spec_test

import (
	"errors"
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// All that is wrong with a spec is found at once, each with its place.
func ExampleParse() {
	_, err := spec.Parse("app.yaml", []byte(`version: 1
name: app
registry: registry.example.com
images:
  web:
    form: debian:12
    comand: [nginx]
`))
	var found spec.Errors
	if errors.As(err, &found) {
		for _, e := range found {
			fmt.Println(e)
		}
	}
	// Output:
	// app.yaml:1:1: the spec needs the key "tag" (or tags, a list of them)
	// app.yaml:5:3: images.web needs the key "from"
	// app.yaml:6:5: unknown key "form" in images.web (did you mean "from"?)
	// app.yaml:7:5: unknown key "comand" in images.web (did you mean "command"?)
}
