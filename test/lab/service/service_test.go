package service

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// shell returns a service that is a shell script; it answers when it has made
// the file ready.
func shell(t *testing.T, script string) *Service {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s := &Service{name: "shell", dir: dir, programs: []program{{
		args: []string{"sh", "-c", script},
		ping: func(context.Context) error {
			_, err := os.Stat(filepath.Join(dir, "ready"))
			return err
		},
	}}}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestAServerThatEndsInsteadOfAnsweringIsReportedWithItsLastWords(t *testing.T) {
	err := shell(t, "echo no such database >&2; exit 3").Start(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"starting shell", "exit status 3", "no such database"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestAStartThatIsCancelledLeavesNothing(t *testing.T) {
	s := shell(t, "exec sleep 1000")
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	var pid int
	s.programs[0].ping = func(context.Context) error {
		cancel(reason)
		return errors.New("not yet")
	}
	s.programs = append([]program{{args: []string{"sh", "-c", "echo $$ > pid; exec sleep 1000"}, ping: func(context.Context) error {
		text, err := os.ReadFile(filepath.Join(s.dir, "pid"))
		if err == nil && len(text) > 0 {
			for _, digit := range strings.TrimSpace(string(text)) {
				pid = 10*pid + int(digit-'0')
			}
			return nil
		}
		return errors.New("not yet")
	}}}, s.programs...)
	if err := s.Start(ctx); !errors.Is(err, reason) {
		t.Errorf("error %v, want %v", err, reason)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the first program still runs: %v", err)
	}
}

func TestStartingTwiceStartsOnce(t *testing.T) {
	s := shell(t, "echo started >> starts; touch ready; exec sleep 1000")
	for range 2 {
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := starts(t, s); got != 1 {
		t.Errorf("started %d times", got)
	}
}

func TestACrashedServerIsStartedAgain(t *testing.T) {
	s := shell(t, "echo started >> starts; touch ready; exec sleep 1000")
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What is left of the first start would pass for an answer of the second one.
	if err := errors.Join(s.running[0].kill(), os.Remove(filepath.Join(s.dir, "ready"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := starts(t, s); got != 2 {
		t.Errorf("started %d times, want 2", got)
	}
}

// starts is how often the script has written that it was started.
func starts(t *testing.T, s *Service) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "starts"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "started\n")
}

func TestStopKeepsWhatIsStoredAndResetDoesNot(t *testing.T) {
	s := shell(t, "echo started >> starts; touch ready; exec sleep 1000")
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Stop(), os.Remove(filepath.Join(s.dir, "ready")), s.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got := starts(t, s); got != 2 {
		t.Errorf("after stop and start: %d starts are stored, want 2", got)
	}
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := starts(t, s); got != 1 {
		t.Errorf("after a reset: %d starts are stored, want 1", got)
	}
}

func TestAClosedServiceDoesNotStart(t *testing.T) {
	s := shell(t, "touch ready; exec sleep 1000")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("error %v, want %v", err, errClosed)
	}
}

func TestControlSaysWhetherItWasDone(t *testing.T) {
	good, bad := shell(t, "touch ready; exec sleep 1000"), shell(t, "echo no such database; exit 3")
	bad.name = "broken"
	server := httptest.NewServer(Control(good, bad))
	defer server.Close()
	for _, tc := range []struct {
		path string
		code int
	}{
		{"/shell/start", http.StatusNoContent},
		{"/shell/stop", http.StatusNoContent},
		{"/shell/stop", http.StatusNoContent},
		{"/shell/reset", http.StatusNoContent},
		{"/shell/pause", http.StatusNotFound},
		{"/other/stop", http.StatusNotFound},
		{"/broken/start", http.StatusInternalServerError},
	} {
		response, err := http.Post(server.URL+tc.path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != tc.code {
			t.Errorf("%s: %d, want %d", tc.path, response.StatusCode, tc.code)
		}
	}
}
