//go:build linux

package command_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/command"
)

// What a program prints says why it failed.
func ExampleCommand_Probe() {
	c := command.Command{Args: []string{"/bin/sh", "-c", "echo no such table: visits; exit 1"}, Shown: "check the tables"}
	err := c.Probe(context.Background(), time.Minute)
	var failure *command.Failure
	if errors.As(err, &failure) {
		fmt.Println(failure)
		fmt.Println(failure.Output)
	}
	// Output:
	// it ended with the exit code 1
	// no such table: visits
}
