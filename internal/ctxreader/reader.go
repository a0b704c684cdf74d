package ctxreader

import (
	"context"
	"io"
)

// New returns a reader that fails with the cause of the context's end when the context has ended. A read that is under way is not interrupted.
func New(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

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
