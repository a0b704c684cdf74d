// Command report prints what it was started with, as JSON. With "sleep" as its first argument, it does so and waits.
package main

import (
	"encoding/json"
	"os"
	"strings"
	"time"
)

func main() {
	environ, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		panic(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	err = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"args": os.Args[1:], "env": strings.Split(strings.TrimSuffix(string(environ), "\x00"), "\x00"), "uid": os.Getuid(), "pid": os.Getpid(), "dir": dir,
	})
	if err != nil {
		panic(err)
	}
	if len(os.Args) > 1 && os.Args[1] == "sleep" {
		time.Sleep(time.Minute)
	}
}
