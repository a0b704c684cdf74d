package needs

import (
	"runtime"
	"syscall"
	"testing"
)

// Nobody is the ID of a user without rights.
const Nobody = 65534

// AsNobody runs a function with the rights that nobody has to files; root has to call it. They belong to a thread, which ends with its
// goroutine. The function must not end the test.
func AsNobody(t testing.TB, do func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := syscall.Setfsuid(Nobody)
		if err == nil {
			do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
