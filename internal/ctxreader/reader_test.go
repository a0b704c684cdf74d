package ctxreader_test

import (
	"context"
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
