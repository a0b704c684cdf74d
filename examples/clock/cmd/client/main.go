// The client asks the server what time it is, for half a minute at most.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: client URL")
	}
	var err error
	for range 30 {
		if err = ask(os.Args[1]); err == nil {
			return
		}
		time.Sleep(time.Second)
	}
	log.Fatal(err)
}

func ask(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}
