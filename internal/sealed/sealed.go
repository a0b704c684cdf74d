package sealed

import (
	"bytes"
	"crypto/sha256"
)

// Size is how many bytes a seal adds to a content.
const Size = sha256.Size

// Seal returns a content with its checksum before it.
func Seal(content []byte) []byte {
	sum := sha256.Sum256(content)
	return append(sum[:], content...)
}

// Open returns the content of what Seal returned. It reports false for what is damaged.
func Open(data []byte) ([]byte, bool) {
	if len(data) < Size {
		return nil, false
	}
	sum := sha256.Sum256(data[Size:])
	return data[Size:], bytes.Equal(sum[:], data[:Size])
}
