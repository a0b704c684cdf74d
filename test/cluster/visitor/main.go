// Visitor asks for a page again and again, with a new connection each time, because Services choose a pod for each connection. It prints a line
// of JSON for each answer, and ends when it is told to.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// A Visit is what came of one request.
type Visit struct {
	Answer string `json:"answer,omitempty"`
	Error  string `json:"error,omitempty"`
}

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	lines := json.NewEncoder(os.Stdout)
	for tick := time.Tick(50 * time.Millisecond); ; {
		select {
		case <-end:
			return
		case <-tick:
			if err := lines.Encode(visit(client, os.Args[1])); err != nil {
				return
			}
		}
	}
}

func visit(client *http.Client, page string) Visit {
	answer, err := client.Get(page)
	if err != nil {
		return Visit{Error: err.Error()}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	if err != nil {
		return Visit{Error: err.Error()}
	}
	return Visit{Answer: string(text)}
}
