package site

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func newCache(t *testing.T) cache {
	t.Helper()
	c, err := openCache(filepath.Join(t.TempDir(), "lab"), func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAFolderThatIsNotOursIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openCache(dir, nil); err == nil {
		t.Error("openCache takes it")
	}
	if err := Clean(t.Context(), dir, nil); err == nil {
		t.Error("Clean takes it")
	}
	if _, err := os.Stat(filepath.Join(dir, "thesis.tex")); err != nil {
		t.Error(err)
	}
}

func TestAnItemIsMadeOnceAndAllOrNothing(t *testing.T) {
	c := newCache(t)
	calls, failure := 0, errors.New("the mirror is down")
	broken := item{"kind", "key", nil, func(_ context.Context, scratch, result string) error {
		return errors.Join(failure, os.Mkdir(result, 0o755))
	}}
	if err := c.add(t.Context(), broken); !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
	if c.has(broken) {
		t.Error("what could not be made is in the cache")
	}
	good := item{"kind", "key", nil, func(_ context.Context, scratch, result string) error {
		calls++
		return os.Mkdir(result, 0o755)
	}}
	for range 2 {
		if err := c.ensure(t.Context(), good); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 1 {
		t.Errorf("made %d times", calls)
	}
	if entries, _ := os.ReadDir(c.path("kind")); len(entries) != 1 {
		t.Errorf("left in the folder: %v", entries)
	}
}

func TestPreparingWaitsForTheOtherLabAndCanBeCancelled(t *testing.T) {
	c := newCache(t)
	lock, err := c.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.unlock()
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	waiting := c
	waiting.log = func(string) { cancel(reason) }
	if _, err := waiting.lock(ctx); !errors.Is(err, reason) {
		t.Errorf("error %v, want %v", err, reason)
	}
}

func TestLabsAtOnceHaveDifferentPortsAndKeepThem(t *testing.T) {
	c := newCache(t)
	used := map[string]bool{}
	start := func() (slot, listeners) {
		s, err := c.takeSlot()
		if err != nil {
			t.Fatal(err)
		}
		l, err := s.listen()
		if err != nil {
			t.Fatal(err)
		}
		return s, l
	}
	stop := func(s slot, l listeners) {
		if err := errors.Join(l.Close(), s.lock.unlock()); err != nil {
			t.Fatal(err)
		}
	}
	first, firstPorts := start()
	second, secondPorts := start()
	for _, l := range []listeners{firstPorts, secondPorts} {
		used[l.registry.Addr().String()], used[l.authRegistry.Addr().String()], used[l.mirror.Addr().String()] = true, true, true
	}
	if len(used) != 6 {
		t.Errorf("two labs with three servers each use %v", used)
	}
	stop(second, secondPorts)
	stop(first, firstPorts)

	again, againPorts := start()
	defer stop(again, againPorts)
	if got, want := againPorts.mirror.Addr().String(), firstPorts.mirror.Addr().String(); got != want {
		t.Errorf("the next run is at %s, the first was at %s", got, want)
	}
}

func TestABusyPortIsReplacedAndTheNewOneRemembered(t *testing.T) {
	c := newCache(t)
	s, err := c.takeSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.lock.unlock()
	busy, err := s.listen()
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	var addresses []string
	for range 2 {
		l, err := s.listen()
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, l.mirror.Addr().String())
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if addresses[0] == busy.mirror.Addr().String() || addresses[0] != addresses[1] {
		t.Errorf("busy %s, then %v", busy.mirror.Addr(), addresses)
	}
}

func TestCleanRemovesTheFolderButNotUnderARunningLab(t *testing.T) {
	c := newCache(t)
	s, err := c.takeSlot()
	if err != nil {
		t.Fatal(err)
	}
	if err := Clean(t.Context(), c.dir, c.log); !errors.Is(err, errLocked) {
		t.Errorf("error %v, want %v", err, errLocked)
	}
	if err := s.lock.unlock(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to remove
		if err := Clean(t.Context(), c.dir, c.log); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(c.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}
