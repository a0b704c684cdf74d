//go:build linux

package settings_test

import (
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/settings"
)

// Everything that keeps a file from being written is found before anything is written.
func ExampleResolve() {
	c := contract.Contract{Environment: []contract.Variable{{Name: "SERVER", Required: true}, {Name: "MOTTO"}}}
	env := contract.NewEnvironment(c, func(name string) string { return map[string]string{"MOTTO": "two\nlines"}[name] })
	_, err := settings.Resolve(contract.Settings{Name: "shop", File: "/etc/shop.conf", Lens: "pulpconf.aug", Set: []contract.Setting{
		{Path: "server/name", Value: "${SERVER}"},
		{Path: "server/motto", Value: "${MOTTO}"},
	}}, env)
	fmt.Println(err)
	// Output:
	// server/name of /etc/shop.conf: SERVER is not set: give it with -e SERVER=VALUE
	// server/motto of /etc/shop.conf: the value "two\nlines" has a line break, which the file cannot hold: give another one with -e MOTTO=VALUE
}
