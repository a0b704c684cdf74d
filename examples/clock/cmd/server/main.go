// The server says what time it is.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	address := flag.String("listen", ":8000", "the address to listen on")
	flag.Parse()
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "It is", time.Now().UTC().Format(os.Getenv("CLOCK_FORMAT")))
	})
	log.Fatal(http.ListenAndServe(*address, nil))
}
