// The server says what time it is, until it is told to end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	address := flag.String("listen", ":8000", "the address to listen on")
	flag.Parse()
	if err := serve(*address); err != nil {
		log.Fatal(err)
	}
}

// serve answers what it has begun to when it is told to end: an update would be seen otherwise.
func serve(address string) error {
	server := &http.Server{Addr: address, ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "It is", time.Now().UTC().Format(os.Getenv("CLOCK_FORMAT")))
	})}
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		<-stopped.Done()
		ended <- server.Shutdown(context.Background()) // who told it to end bounds the time
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}
