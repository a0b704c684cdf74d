package contract_test

import (
	"fmt"
	"log"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// Values of secret variables do not show in messages.
func ExampleEnvironment_ExpandURL() {
	c := contract.Contract{Environment: []contract.Variable{{Name: "DB_HOST", Required: true}, {Name: "DB_PASSWORD", Secret: true}}}
	values := map[string]string{"DB_HOST": "fd00::7", "DB_PASSWORD": "p@ss"}
	env := contract.NewEnvironment(c, func(name string) string { return values[name] })
	url, err := env.ExpandURL("postgres://shop:${DB_PASSWORD}@${DB_HOST}/shop")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(url.Text)
	fmt.Println(url.Shown)
	// Output:
	// postgres://shop:p%40ss@[fd00::7]/shop
	// postgres://shop:***@[fd00::7]/shop
}
