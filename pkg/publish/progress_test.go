package publish

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
)

// count is the part of a report that numbers are in.
type count struct {
	State                            State
	Sent, Size, TotalSent, TotalSize int64
}

func watchReports(expected int64) (*progress, *[]count) {
	var got []count
	all := newProgress(func(p Progress) {
		got = append(got, count{p.State, p.Sent, p.Size, p.TotalSent, p.TotalSize})
	}, expected)
	return all, &got
}

func read(t *testing.T, r io.Reader, n int) {
	t.Helper()
	if _, err := io.ReadFull(r, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
}

func content() io.ReadCloser { return io.NopCloser(strings.NewReader("0123456789")) }

func TestProgress_throttled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, got := watchReports(10)
		p := all.of(name.Repository{}, blob{size: 10}, true)
		body := p.watch(content())
		for range 10 {
			read(t, body, 1)
			time.Sleep(30 * time.Millisecond)
		}
		p.done(Pushed)
		want := []count{
			{Uploading, 1, 10, 1, 10}, {Uploading, 5, 10, 5, 10}, {Uploading, 9, 10, 9, 10}, {Pushed, 10, 10, 10, 10},
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// An upload that breaks counts from the beginning again.
func TestProgress_brokenUpload(t *testing.T) {
	all, got := watchReports(10)
	p := all.of(name.Repository{}, blob{size: 10}, true)
	broken := p.watch(content())
	read(t, broken, 7)
	again := p.watch(content())
	read(t, again, 4)
	read(t, broken, 3) // the transport may still read what it gave up
	read(t, again, 6)
	p.done(Pushed)
	if last := (*got)[len(*got)-1]; last != (count{Pushed, 10, 10, 10, 10}) {
		t.Errorf("the last report is %+v", last)
	}
}

// The total shrinks by blobs that are not sent, and grows by those that are sent unexpectedly.
func TestProgress_total(t *testing.T) {
	all, got := watchReports(30)
	all.of(name.Repository{}, blob{size: 10}, true).done(Existing)
	all.of(name.Repository{}, blob{size: 10}, false).done(Mounted)
	refused := all.of(name.Repository{}, blob{size: 10}, false)
	read(t, refused.watch(content()), 10)
	refused.done(Pushed)
	want := count{Pushed, 10, 10, 10, 30}
	if last := (*got)[len(*got)-1]; last != want {
		t.Errorf("the last report is %+v, want %+v", last, want)
	}
}

func TestProgress_stopped(t *testing.T) {
	all, got := watchReports(10)
	p := all.of(name.Repository{}, blob{size: 10}, true)
	body := p.watch(content())
	all.stop()
	read(t, body, 10)
	if len(*got) != 0 {
		t.Errorf("it reported %+v", *got)
	}
}
