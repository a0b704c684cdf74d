package publish

import (
	"log"
	"os"
	"testing"
)

// TestMain keeps the registries.conf of the machine out of the tests.
func TestMain(m *testing.M) {
	if err := os.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}
