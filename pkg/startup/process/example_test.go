//go:build linux

package process_test

import (
	"fmt"
	"log"

	"github.com/pulpimg/pulpimg/pkg/startup/process"
)

// The variables of the user are added where nobody gave them a value.
func ExampleEnvironment_ForUser() {
	env := process.NewEnvironment([]string{"PATH=/usr/bin", "LOGNAME=shop"})
	if err := env.ForUser("root"); err != nil {
		log.Fatal(err)
	}
	for _, assignment := range env.List() {
		fmt.Println(assignment)
	}
	// Output:
	// PATH=/usr/bin
	// LOGNAME=shop
	// HOME=/root
	// USER=root
}
