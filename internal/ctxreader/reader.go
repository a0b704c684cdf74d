package ctxreader

import (
	"context"
	"crypto/sha256"
	"io"
)

// New returns a reader that fails with the cause of the context's end when the context has ended. A read that is under way is not interrupted.
func New(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

// SHA256 returns the digest of all that a reader gives, and how many bytes that is. It reads through the buffer, or through one of its own if
// that is nil.
func SHA256(ctx context.Context, r io.Reader, buffer []byte) (sum [sha256.Size]byte, size int64, err error) {
	hash := sha256.New()
	size, err = io.CopyBuffer(hash, New(ctx, r), buffer)
	hash.Sum(sum[:0])
	return sum, size, err
}

type reader struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}
