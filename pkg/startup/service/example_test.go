package service_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/service"
	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

func ExampleWait() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	url, err := serviceurl.Parse("tcp://" + listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	server, err := service.New(url)
	if err != nil {
		log.Fatal(err)
	}
	targets := []service.Target{{Name: "shop", Service: server, Tries: 3, Interval: time.Second, Timeout: time.Second}}
	err = service.Wait(context.Background(), targets, func(r service.Report) {
		fmt.Println(r.Target.Name, "try", r.Try, r.Err)
	})
	fmt.Println(err)
	// Output:
	// shop try 1 <nil>
	// <nil>
}
