// Command program is for images that have nothing else.
package main

import "os"

func main() {
	if err := os.WriteFile("/done", nil, 0o644); err != nil {
		panic(err)
	}
}
