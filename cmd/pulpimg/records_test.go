package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/recordrepo"
)

func TestAsk(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, " y": true, "n\n": false, "\n": false, "": false, "yellow\n": false} {
		var said bytes.Buffer
		got, err := ask(t.Context(), strings.NewReader(answer), &said, "Remove it?")
		if got != want || err != nil || said.String() != "Remove it? [y/N] " {
			t.Errorf("%q: %v, %v, after %q", answer, got, err, said.String())
		}
	}
}

// Whoever is asked can end the program with a signal.
func TestAsk_contextEnds(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the user has had enough")
	cancel(cause)
	if got, err := ask(ctx, in, io.Discard, "Remove it?"); got || !errors.Is(err, cause) {
		t.Errorf("got %v, %v", got, err)
	}
}

// someSets are the sets of a repository: of an image that is published, of one that was, and of all states.
func someSets(now time.Time) recordrepo.Repository {
	set := func(name string) recordrepo.Set {
		key := digest.FromString(name)
		return recordrepo.Set{Reference: "registry.example.com/a:key-" + key.Encoded(), Key: key, Digest: digest.FromString("manifest of " + name), State: recordrepo.Readable, Records: 2, Commands: 1, Size: 1500}
	}
	used, unused, unknown, damaged, foreign := set("used"), set("unused"), set("unknown"), set("damaged"), set("foreign")
	used.UsedBy, used.Ran = []string{"1", "2", "3", "4", "5"}, now.Add(-49*time.Hour)
	unknown.State, unknown.Problem, unknown.Records = recordrepo.Unknown, "its format is unknown", 0
	damaged.State, damaged.Problem, damaged.Records = recordrepo.Damaged, "it is damaged\x1b[2J", 0
	foreign.State, foreign.Problem, foreign.Records = recordrepo.Foreign, "it is something else", 0
	return recordrepo.Repository{Name: "registry.example.com/a", Sets: []recordrepo.Set{used, unused, unknown, damaged, foreign}}
}

func TestRecordTable(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	if err := recordTable(&b, []recordrepo.Repository{someSets(now), {Name: "registry.example.com/b"}}, now); err != nil {
		t.Fatal(err)
	}
	want := `REPOSITORY              KEY           RECORDS  SIZE    RAN         USED BY
registry.example.com/a  f83916135509  2        1.5 kB  2 days ago  1, 2, 3 and 2 more
registry.example.com/a  febe1d741b49  2        1.5 kB  -           no image
registry.example.com/a  b23a6a8439c0  -        1.5 kB  -           unknown: its format is unknown
registry.example.com/a  41f0c27c00e8  -        1.5 kB  -           no image: it is damaged�[2J
registry.example.com/a  656771905e1e  -        1.5 kB  -           unknown: it is something else
5 sets of records in 2 repositories; 0 B of layers that no published image has
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPrunePlan(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	plan := newPrunePlan([]recordrepo.Repository{someSets(now)}, recordrepo.DefaultAge)
	var b bytes.Buffer
	if err := plan.print(&b, now); err != nil {
		t.Fatal(err)
	}
	want := `REPOSITORY              KEY           RECORDS  SIZE    RAN  BECAUSE
registry.example.com/a  febe1d741b49  2        1.5 kB  -    no published image was made so
registry.example.com/a  41f0c27c00e8  -        1.5 kB  -    it is damaged�[2J
registry.example.com/a  b23a6a8439c0  -        1.5 kB  -    stays: its format is unknown
registry.example.com/a  656771905e1e  -        1.5 kB  -    stays: it is something else
to remove: 2 of 5 sets of records, and with them about 0 B of layers
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	plan.removed = []string{plan.remove[0].Reference}
	data, err := json.Marshal(plan.document())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"used_by":[],"needed":false}`) || !strings.HasSuffix(string(data), `"removed":["`+plan.remove[0].Reference+`"]}`) {
		t.Errorf("the document is %s", data)
	}
}

func TestPrunePlan_nothing(t *testing.T) {
	var b bytes.Buffer
	plan := newPrunePlan([]recordrepo.Repository{{Name: "registry.example.com/b"}}, recordrepo.DefaultAge)
	if err := plan.print(&b, time.Now()); err != nil || b.String() != "nothing to remove of 0 sets of records\n" {
		t.Errorf("it prints %q, %v", b.String(), err)
	}
}
