//go:build !unix

package family

const openNonblock = 0
