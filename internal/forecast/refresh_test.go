package forecast_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// refreshing has a command that grows old, one behind it that does not, one that takes a file of it, and one that stays forever.
const refreshing = `version: 1
name: f
registry: r.example/f
tag: "1"
refresh: 7d
images:
  tools: {from: scratch, steps: [run: tools]}
  role: {from: tools, steps: [run: {script: role, network: none}]}
  other: {from: scratch, steps: [files: {image: tools, from: /a, to: /a}, run: {script: other, network: none}]}
  forever: {from: scratch, steps: [run: {script: forever, refresh: never}]}
`

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type past struct {
	records map[digest.Digest]record.Record
	refresh bool
}

func (w past) foresee(t *testing.T, spec string) *forecast.Forecast {
	t.Helper()
	platform := ocispec.Platform{OS: "linux", Architecture: "amd64"}
	f, err := forecast.New(t.Context(), []*family.Family{familytest.Parse(t, spec)}, []ocispec.Platform{platform}, forecast.Sources{
		Base: func(context.Context, *family.Image, *family.ImageSource, string, ocispec.Platform) (*forecast.Base, error) {
			return nil, nil
		},
		Record: func(_ *family.Image, key digest.Digest) (record.Record, bool) {
			r, ok := w.records[key]
			return r, ok
		},
		Holds: func(_ context.Context, r record.Record) bool { return r.Blob != nil },
		Options: func(f *family.Family, platform ocispec.Platform) llb.Options {
			return llb.Options{SpecFile: "f.yaml", Family: f.Name, Platform: platform, Build: platform}
		},
		Refresh: w.refresh,
		Now:     now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// learn records everything that a spec makes. All commands ran at the given time.
func (w past) learn(t *testing.T, spec string, ran time.Time) {
	t.Helper()
	for range 10 {
		seen, learned := w.foresee(t, spec), false
		for _, image := range seen.Images {
			for _, step := range image.Steps {
				if step.On == "" || step.State == forecast.Same {
					continue
				}
				made := digest.FromString("what " + step.Key.String() + " made")
				r := record.Record{Key: step.Key, On: step.On, Result: made, Blob: &ocispec.Descriptor{Digest: made, Size: 1}}
				if step.Command {
					r.Ran = now
				} else {
					r.Key = key.Layer(step.Key, time.Time{})
				}
				w.records[r.Key], learned = r, true
			}
		}
		if !learned {
			w.age(ran)
			return
		}
	}
	t.Fatal("there is always something new")
}

// age makes all commands ones that ran at a time.
func (w past) age(ran time.Time) {
	for key, r := range w.records {
		if !r.Ran.IsZero() {
			r.Ran = ran
			w.records[key] = r
		}
	}
}

// said returns what a forecast says of each step.
func said(f *forecast.Forecast) map[string]string {
	out := map[string]string{}
	for _, image := range f.Images {
		for at, step := range image.Steps {
			words := []string{string(step.State), string(step.Cause)}
			if step.Fresh {
				words = append(words, "fresh")
			}
			name := image.Source.Name + " " + strings.Fields(image.Source.Steps[at].Title())[0]
			out[name] = strings.Join(strings.Fields(strings.Join(words, " ")), " ")
		}
	}
	return out
}

func TestNew_refresh(t *testing.T) {
	same := map[string]string{"tools run": "same", "role run": "same", "other copy": "same", "other run": "same", "forever run": "same"}
	behind := func(tools string) map[string]string {
		out := maps.Clone(same)
		out["tools run"], out["role run"], out["other copy"], out["other run"] = tools, "may run behind", "write behind", "may run behind"
		return out
	}
	asked := behind("run asked fresh")
	asked["forever run"] = "run asked fresh"
	const day = 24 * time.Hour
	for _, test := range []struct {
		name    string
		ran     time.Time
		refresh bool
		change  func(string) string
		want    map[string]string
	}{
		{name: "young", ran: now.Add(-7 * day), want: same},
		{name: "old", ran: now.Add(-7*day - time.Second), want: behind("run old fresh")},
		{name: "of unknown age", want: behind("run old fresh")},
		{name: "a little in the future", ran: now.Add(time.Minute), want: same},
		{name: "in the future", ran: now.Add(time.Minute + time.Second), want: behind("run old fresh")},
		{name: "old without a bound", ran: now.Add(-7000 * day), change: with("refresh: 7d", "refresh: never"), want: same},
		{name: "of unknown age without a bound", change: with("refresh: 7d\n", ""), want: same},
		{name: "young by the bound of all", ran: now.Add(-2 * day), change: with("run: tools", "run: {script: tools, refresh: 1d}"), want: behind("run old fresh")},
		{name: "asked for", ran: now, refresh: true, want: asked},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := past{records: map[digest.Digest]record.Record{}}
			w.learn(t, refreshing, test.ran)
			w.refresh = test.refresh
			spec := refreshing
			if test.change != nil {
				spec = test.change(spec)
			}
			if diff := cmp.Diff(test.want, said(w.foresee(t, spec))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An engine may have what is not recorded, of any age.
func TestNew_refreshOfWhatIsUnknown(t *testing.T) {
	want := map[string]string{
		"tools run": "run unknown fresh", "role run": "may run behind", "other copy": "write behind", "other run": "may run behind", "forever run": "run unknown",
	}
	if diff := cmp.Diff(want, said(past{}.foresee(t, refreshing))); diff != "" {
		t.Errorf("with a bound (-want +got):\n%s", diff)
	}
	want["tools run"] = "run unknown"
	if diff := cmp.Diff(want, said(past{}.foresee(t, with("refresh: 7d\n", "")(refreshing)))); diff != "" {
		t.Errorf("without (-want +got):\n%s", diff)
	}
}

// Two commands on top of each other are old at once: both run, and not only because of the other.
func TestNew_refreshOfOldBehindOld(t *testing.T) {
	spec := with("{script: role, network: none}", "role")(refreshing)
	w := past{records: map[digest.Digest]record.Record{}}
	w.learn(t, spec, now.Add(-30*24*time.Hour))
	want := map[string]string{
		"tools run": "run old fresh", "role run": "run old fresh", "other copy": "write behind", "other run": "may run behind", "forever run": "same",
	}
	if diff := cmp.Diff(want, said(w.foresee(t, spec))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func with(old, new string) func(string) string {
	return func(spec string) string { return strings.Replace(spec, old, new, 1) }
}
