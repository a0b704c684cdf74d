package publish

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestMoveTags_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := moveTags(ctx, nil, []entry{testEntry(t, "r.test/base:1", "a", true)}, settings{Options: Options{Jobs: 1}})
	var failure *UploadError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &failure) || len(failure.Uploaded) != 1 {
		t.Errorf("the error is %v, want an *UploadError that is context.Canceled", err)
	}
}

// The context ends some time after its parent.
func TestWithGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		late, end := withGrace(ctx, 5*time.Second)
		defer end()
		<-late.Done()
		if waited := time.Since(start); waited != 6*time.Second {
			t.Errorf("it ended after %v, want 6s", waited)
		}
	})
}
