package service_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/service"
)

func target(t *testing.T, name, url string, tries int) service.Target {
	return service.Target{Name: name, Service: newService(t, url), Tries: tries, Interval: time.Millisecond, Timeout: long}
}

// Wait waits for a service that becomes available late.
func TestWait_lateService(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	var last service.Report
	err = service.Wait(t.Context(), []service.Target{target(t, "late", "redis://"+address, 1000)}, func(r service.Report) {
		if last = r; r.Try == 2 {
			late, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			serveOn(t, late, answers("+PONG\r\n"))
		}
	})
	if err != nil || last.Err != nil || last.Try != 3 {
		t.Errorf("got %v, last report %+v", err, last)
	}
}

// Waiting gives up on all services when one does not become available.
func TestWait_givesUp(t *testing.T) {
	there := serve(t, answers("+PONG\r\n"))
	never := target(t, "never", "redis://127.0.0.1:1", 1000)
	never.Interval = time.Hour
	var reports []string
	err := service.Wait(t.Context(), []service.Target{target(t, "there", "redis://"+there, 1), never, target(t, "away", "redis://127.0.0.1:1", 2)}, func(r service.Report) {
		if r.Target.Name == "away" {
			reports = append(reports, r.Err.Error())
		}
	})
	var unavailable *service.UnavailableError
	if !errors.As(err, &unavailable) || unavailable.Target.Name != "away" || unavailable.Tries != 2 {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"connection refused: nothing listens there"}, reports); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

// Refused credentials end the waiting at once.
func TestWait_refusedCredentials(t *testing.T) {
	redis := serve(t, answers("-WRONGPASS invalid\r\n"))
	one := target(t, "db", "redis://:pw@"+redis, 1000)
	one.Interval = time.Hour
	err := service.Wait(t.Context(), []service.Target{one}, func(r service.Report) { t.Errorf("reported %v", r.Err) })
	if !errors.Is(err, service.ErrCredentials) {
		t.Errorf("got %v", err)
	}
}

// Waiting ends with its context.
func TestWait_contextEnds(t *testing.T) {
	why := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	never := target(t, "never", "redis://127.0.0.1:1", 2)
	never.Interval = time.Hour
	if err := service.Wait(ctx, []service.Target{never}, func(service.Report) { cancel(why) }); err != why {
		t.Errorf("got %v, want %v", err, why)
	}
}
