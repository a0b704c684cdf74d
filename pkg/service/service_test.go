package service

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pulpimg/pulpimg/pkg/serviceurl"
)

// playing returns the service of a URL, with another protocol.
func playing(t *testing.T, url string, ask protocol) Service {
	t.Helper()
	u, err := serviceurl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(u)
	if err != nil {
		t.Fatal(err)
	}
	s.ask = ask
	return s
}

func TestAHostThatIsAvailableWhenTheTimeIsUpIsEnoughToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := playing(t, "mongodb://late,never", func(_ context.Context, s *session) error {
			time.Sleep(2 * time.Second)
			if s.host.Name == "late" {
				return nil
			}
			return errStrange
		})
		if err := s.Probe(ctx); err != nil {
			t.Error(err)
		}
	})
}
