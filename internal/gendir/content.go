package gendir

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// bufferSize is how much of a file is in memory.
const bufferSize = 64 << 10

// sameContent reports whether two regular files have the same content.
func sameContent(ctx context.Context, a, b File) (same bool, err error) {
	one, err := a.Content()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, one.Close()) }()
	other, err := b.Content()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	buffers := [2][]byte{make([]byte, bufferSize), make([]byte, bufferSize)}
	for {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		n, err := io.ReadFull(one, buffers[0])
		m, otherErr := io.ReadFull(other, buffers[1])
		ended, otherEnded := isEnd(err), isEnd(otherErr)
		switch {
		case err != nil && !ended:
			return false, err
		case otherErr != nil && !otherEnded:
			return false, otherErr
		case !bytes.Equal(buffers[0][:n], buffers[1][:m]):
			return false, nil
		case ended || otherEnded:
			return true, nil
		}
	}
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// copyContent writes a regular file's content.
func copyContent(ctx context.Context, to io.Writer, f File) (err error) {
	from, err := f.Content()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, until{ctx, from}, make([]byte, bufferSize))
	return err
}

// An until reads until its context ends.
type until struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (u until) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.Reader.Read(p)
}
