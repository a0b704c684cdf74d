package main

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/contract"
)

// freeAddress returns an address at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	defer l.Close()
	return l.Addr().String()
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestWaitFindsAServiceOfTheContract(t *testing.T) {
	host, port, err := net.SplitHostPort(listen(t, "127.0.0.1:0").Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p, stderr := inImage(t, contract.Contract{
		Environment: []contract.Variable{{Name: "DB_SERVICE_HOST", Default: &host}},
		Services:    []contract.Service{{Name: "database", URL: "mongodb://${DB_SERVICE_HOST}:${DB_SERVICE_PORT}/x", Tries: 1}},
	}, map[string]string{"DB_SERVICE_PORT": port})
	if code := p.run(t.Context(), []string{"wait", "database"}); code != exitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestWaitGivesUpAfterItsTries(t *testing.T) {
	p, stderr := inImage(t, contract.Contract{}, nil)
	code := p.run(t.Context(), []string{"wait", "--tries", "3", "--interval", "1ms", "tcp://user:secret@" + freeAddress(t)})
	if code != exitUnavailable {
		t.Errorf("exit code %d, want %d", code, exitUnavailable)
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "try 1 of 3") || !strings.Contains(lines[2], "not available after 3 tries") {
		t.Errorf("stderr is\n%s", stderr)
	}
	if strings.Contains(stderr.String(), "secret") {
		t.Error("the password is shown")
	}
}

func TestWaitWaitsForAServiceThatComesLate(t *testing.T) {
	address := freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := make(chan struct{}, 1)
	late := target{contract.Service{Name: "late", Tries: 1000, Interval: time.Millisecond, Timeout: time.Second}, []string{address}}
	done := make(chan error, 1)
	go func() {
		done <- late.wait(ctx, func(string, ...any) {
			select {
			case first <- struct{}{}:
			default:
			}
		})
	}()
	<-first
	listen(t, address)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWaitEndsWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	never := target{contract.Service{Name: "never", Tries: 2, Interval: time.Hour, Timeout: time.Second}, []string{freeAddress(t)}}
	if err := never.wait(ctx, func(string, ...any) { cancel() }); err != context.Canceled {
		t.Errorf("wait: %v, want %v", err, context.Canceled)
	}
}

func TestAURLNamesItsAddresses(t *testing.T) {
	for _, test := range []struct {
		url  string
		want []string
	}{
		{"tcp://h:1", []string{"h:1"}},
		{"mongodb://u:p@a:1,b/db?replicaSet=r", []string{"a:1", "b:27017"}},
		{"amqps://u:p@w@h", []string{"h:5671"}},
		{"http://[::1]/", []string{"[::1]:80"}},
		{"http://[::1]:8080", []string{"[::1]:8080"}},
	} {
		got, err := addressesOf(test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.url, diff)
		}
	}
}
