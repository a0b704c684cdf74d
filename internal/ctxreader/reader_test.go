package ctxreader_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/ctxreader"
)

func TestNew_contextEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := ctxreader.New(ctx, strings.NewReader("content"))
	if _, err := r.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("the user has had enough")
	cancel(cause)
	if rest, err := io.ReadAll(r); len(rest) > 0 || !errors.Is(err, cause) {
		t.Errorf("read %q, %v", rest, err)
	}
}

func TestSHA256_contextEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	sum, size, err := ctxreader.SHA256(ctx, strings.NewReader("content"), nil)
	if err != nil || size != 7 || sum != sha256.Sum256([]byte("content")) {
		t.Errorf("got %x of %d bytes, %v", sum, size, err)
	}
	cause := errors.New("the user has had enough")
	cancel(cause)
	if _, _, err := ctxreader.SHA256(ctx, strings.NewReader("content"), make([]byte, 3)); !errors.Is(err, cause) {
		t.Errorf("after the end: %v", err)
	}
}
