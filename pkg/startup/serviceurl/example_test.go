package serviceurl_test

import (
	"fmt"
	"log"

	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

func ExampleParse() {
	url, err := serviceurl.Parse("mongodb://shop:secret@db1,db2:27018/orders")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(url.Scheme, url.Hosts, url.Name())
	// Output: mongodb [db1:27017 db2:27018] orders
}
