package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
)

func TestUnusedSince(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2030, 1, 1, 0, minute, 0, 0, time.UTC) }
	usage := []*client.UsageInfo{
		{ID: "base", CreatedAt: at(1)},
		{ID: "old", CreatedAt: at(2), Parents: []string{"base"}},
		{ID: "new", CreatedAt: at(9), Parents: []string{"base"}},
		{ID: "other", CreatedAt: at(3)},
		{ID: "used", CreatedAt: at(4), InUse: true},
		{ID: "shared", CreatedAt: at(5), Shared: true},
	}
	for minute, want := range map[int][]string{1: nil, 4: {"old", "other"}, 6: {"old", "other", "shared"}, 10: {"base", "old", "new", "other", "shared"}} {
		if diff := cmp.Diff(want, unusedSince(usage, at(minute))); diff != "" {
			t.Errorf("minute %d (-want +got):\n%s", minute, diff)
		}
	}
}

func TestRecordsOf_baseIsUsedWithWhatIsBasedOnIt(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2030, 1, 1, 0, minute, 0, 0, time.UTC) }
	used := at(5)
	got := recordsOf([]*client.UsageInfo{
		{ID: "base", Size: 500, CreatedAt: at(1)},
		{ID: "step", Size: 20, CreatedAt: at(2), Parents: []string{"base"}},
		{ID: "merge", Size: 1, CreatedAt: at(3), LastUsedAt: &used, Parents: []string{"step", "other"}},
		{ID: "other", Size: 30, CreatedAt: at(4), InUse: true},
		{ID: "alone", Size: 40, CreatedAt: at(6)},
		{ID: "shared", Size: 500, CreatedAt: at(7), Shared: true},
	})
	want := []Record{
		{Size: 500, LastUsed: at(5)}, {Size: 20, LastUsed: at(5)}, {Size: 1, LastUsed: at(5)},
		{Size: 30, LastUsed: at(5), InUse: true}, {Size: 40, LastUsed: at(6)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
