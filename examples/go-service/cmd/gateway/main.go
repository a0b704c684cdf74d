// The gateway passes requests on to the api, so many a second.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"golang.org/x/time/rate"

	"example.com/go-service/service"
)

func main() {
	backend, err := url.Parse(os.Getenv("BACKEND"))
	if err != nil {
		log.Fatal(err)
	}
	api := httputil.NewSingleHostReverseProxy(backend)
	limit := rate.NewLimiter(100, 100)
	service.Run(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !limit.Allow() {
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		api.ServeHTTP(w, r)
	}))
}
