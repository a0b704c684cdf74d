//go:build linux

package engine_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/engine"
)

// An address at which nothing answers is an error that can be told apart. Without an address, Start starts the embedded engine.
func ExampleStart() {
	_, err := engine.Start(context.Background(), engine.Options{Address: "unix:///nowhere/buildkitd.sock"})
	fmt.Println(errors.Is(err, engine.ErrUnreachable))
	// Output: true
}
