//go:build unix

package family

import "syscall"

// openNonblock keeps the opening of a pipe from waiting for who writes to it.
const openNonblock = syscall.O_NONBLOCK
