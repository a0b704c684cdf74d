// The api says what it was compiled for.
package main

import (
	"fmt"
	"net/http"
	"runtime"

	"example.com/go-service/service"
)

func main() {
	service.Run(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "Hello from %s/%s\n", runtime.GOOS, runtime.GOARCH)
	}))
}
