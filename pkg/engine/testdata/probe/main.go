// Command probe is the whole root file system of the build steps in this package's tests.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

func main() {
	switch os.Args[1] {
	case "write": // FILE BYTES
		var n int
		fmt.Sscan(os.Args[3], &n)
		check(os.WriteFile(os.Args[2], bytes.Repeat([]byte{'x'}, n), 0o644))
	case "sleep": // MARK: itself, and a process that left its session
		child := exec.Command("/probe", "nap", os.Args[2])
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		check(child.Start())
		fmt.Println("asleep")
		time.Sleep(time.Hour)
	case "nap": // MARK
		time.Sleep(time.Hour)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
