package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/engine"
)

// mixed runs commands on scratch, as nobody would, so that no registry is asked.
const mixed = specHeader + `  base:
    from: scratch
    steps:
      - run: first
      - files: { from: app, to: /app }
      - run: second
  web:
    from: base
    steps: [ directory: { path: /web } ]
`

// allRan returns the steps of a build in which all commands of a forecast ran.
func allRan(seen *forecast.Forecast, cached bool) []Step {
	var out []Step
	for _, image := range seen.Images {
		for at, step := range image.Steps {
			if step.Command {
				out = append(out, Step{Name: llb.StepName(image.Source, at), Command: true, Cached: cached, Duration: time.Second})
			}
		}
	}
	return out
}

// record records a build in which all commands ran.
func (s *site) record(b builder, seen *forecast.Forecast, run string) {
	s.t.Helper()
	made := s.made(seen, run)
	for _, layers := range made {
		for _, l := range layers { // the layers of files are in the store when a build ends
			if err := b.layers.Keep(s.t.Context(), s.into.Blobs(), l.diffID, l.blob); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	if err := b.recordAll(s.t.Context(), seen, allRan(seen, false), made, s.into); err != nil {
		s.t.Fatal(err)
	}
}

func newMixed(t *testing.T) *site {
	s := newSite(t)
	s.write("f.yaml", mixed)
	s.write("app", "app")
	return s
}

func TestRecordAll_makesABuildKnown(t *testing.T) {
	s := newMixed(t)
	b := s.builder()
	seen := s.foresee(b)
	s.record(b, seen, "")
	next := s.foresee(s.builder())
	if diff := cmp.Diff([]string{}, said(next)); diff != "" || next.NeedsEngine() {
		t.Errorf("what is not known (-want +got):\n%s", diff)
	}
	for _, image := range next.Images {
		for _, step := range image.Steps {
			if r := step.Record; r.Blob == nil || step.Command != r.Network || step.Command == r.Ran.IsZero() || time.Since(r.Ran) > time.Minute && step.Command {
				t.Errorf("of a step of %s, it is known: %+v", image.Source.Name, r)
			}
		}
	}
}

// With another time, the layers of files are other ones. No command runs for that.
func TestRecordAll_anotherTime(t *testing.T) {
	s := newMixed(t)
	b := s.builder()
	s.record(b, s.foresee(b), "")
	s.created = time.Unix(86400, 0).UTC()
	want := []string{"base@linux/amd64 1 write, unknown", "web@linux/amd64 0 write, unknown"}
	if diff := cmp.Diff(want, said(s.foresee(s.builder()))); diff != "" {
		t.Errorf("what is to be done (-want +got):\n%s", diff)
	}
}

// What a file was when the step was made is not known if it is another one afterwards. What is below is.
func TestRecordAll_filesChange(t *testing.T) {
	for name, change := range map[string]func(file string) error{
		"another content": func(file string) error { return os.WriteFile(file, []byte("changed"), 0o644) },
		"it is gone":      os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			s := newMixed(t)
			b := s.builder()
			seen := s.foresee(b)
			if err := change(filepath.Join(s.dir, "app")); err != nil {
				t.Fatal(err)
			}
			s.record(b, seen, "")
			s.write("app", "app")
			want := []string{"base@linux/amd64 1 write, unknown", "base@linux/amd64 2 run, unknown", "web@linux/amd64 0 write, behind"}
			if diff := cmp.Diff(want, said(s.foresee(s.builder()))); diff != "" {
				t.Errorf("what is to be done (-want +got):\n%s", diff)
			}
		})
	}
}

// When an image has another number of layers than it has steps, nobody can tell which is whose.
func TestRecordAll_otherLayers(t *testing.T) {
	s := newMixed(t)
	b := s.builder()
	seen := s.foresee(b)
	made := s.made(seen, "")
	for name, layers := range made {
		made[name] = layers[1:]
	}
	if err := b.recordAll(t.Context(), seen, allRan(seen, false), made, s.into); err != nil {
		t.Fatal(err)
	}
	for _, image := range s.foresee(s.builder()).Images {
		for at, step := range image.Steps {
			if step.Record != nil && step.Record.Blob != nil {
				t.Errorf("%s has the layer %+v", placeOf(image, at), step.Record)
			}
		}
	}
}

// Of a build that failed, it is known which commands ran, and that their layers are not kept.
func TestRecordAll_failedBuild(t *testing.T) {
	s := newMixed(t)
	b := s.builder()
	seen := s.foresee(b)
	steps := allRan(seen, false)
	steps[1].Err = "exit code 1"
	if err := b.recordAll(t.Context(), seen, steps, nil, s.into); err != nil {
		t.Fatal(err)
	}
	next := s.foresee(s.builder())
	want := []string{
		"base@linux/amd64 0 may run, lost", "base@linux/amd64 1 write, behind", "base@linux/amd64 2 run, unknown", "web@linux/amd64 0 write, behind",
	}
	if diff := cmp.Diff(want, said(next)); diff != "" {
		t.Errorf("what is to be done (-want +got):\n%s", diff)
	}
	if r := next.Images[0].Steps[0].Record; r.Ran.IsZero() || r.Blob != nil {
		t.Errorf("of the command that ran, it is known: %+v", r)
	}
	if r := next.Images[0].Steps[2].Record; r != nil {
		t.Errorf("of the command that failed, it is known: %+v", r)
	}
}

// A command that runs again and makes something else has what is above it made again.
func TestRecordAll_anotherRun(t *testing.T) {
	s := newMixed(t)
	b := s.builder()
	s.record(b, s.foresee(b), "")
	first := s.foresee(b).Images[0].Steps
	b.NoCache = true
	s.record(b, s.foresee(b), "again")
	b.NoCache = false
	seen := s.foresee(s.builder())
	if diff := cmp.Diff([]string{}, said(seen)); diff != "" {
		t.Errorf("what is not known (-want +got):\n%s", diff)
	}
	for at, step := range seen.Images[0].Steps {
		if step.Record.Result == first[at].Record.Result || at > 0 && step.On == first[at].On {
			t.Errorf("of the step %d, it is known: %+v", at, step.Record)
		}
	}
}

// What an engine had in its cache did not run now: it is as old as it was, or nobody knows how old it is.
func TestRecordAll_age(t *testing.T) {
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		before bool // there is a record, and its layer is lost
		cached bool
		run    string
		want   func(ran time.Time) bool
	}{
		{"it ran", false, false, "", func(ran time.Time) bool { return time.Since(ran) < time.Minute }},
		{"it was in the cache, and nothing is known", false, true, "", time.Time.IsZero},
		{"it was in the cache, and is what it was", true, true, "", long.Equal},
		{"it was in the cache, and is something else", true, true, "other", time.Time.IsZero},
		{"it ran again, and made something else", true, false, "other", func(ran time.Time) bool { return time.Since(ran) < time.Minute }},
		// Another platform ran a step of this name.
		{"it could come from the cache, and is what it was", true, false, "", long.Equal},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newMixed(t)
			b := s.builder()
			if test.before {
				s.record(b, s.foresee(b), "")
				r := *s.foresee(b).Images[0].Steps[0].Record
				r.Ran = long
				if err := errors.Join(b.records.Put(r), os.Remove(b.layers.Blobs().Path(r.Blob.Digest))); err != nil {
					t.Fatal(err)
				}
			}
			seen := s.foresee(b)
			if err := b.recordAll(t.Context(), seen, allRan(seen, test.cached), s.made(seen, test.run), s.into); err != nil {
				t.Fatal(err)
			}
			if ran := s.foresee(b).Images[0].Steps[0].Record.Ran; !test.want(ran) {
				t.Errorf("it ran %s", ran)
			}
		})
	}
}

const without = specHeader + `  base:
    from: scratch
    steps: [ files: { from: app, to: /app } ]
  web: { from: base, command: [web] }
`

// A build is good, whatever else the cache cannot do.
func TestFamily_isGoodWithoutRecords(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, s *site){
		"records cannot be written": func(t *testing.T, s *site) {
			dir := filepath.Join(s.cache.Dir, "layers")
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "records.v1"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		},
		"the layout has a damaged index": func(t *testing.T, s *site) {
			if err := os.WriteFile(filepath.Join(s.into.Dir(), ocispec.ImageIndexFile), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"what was published is damaged": func(t *testing.T, s *site) {
			if err := os.WriteFile(filepath.Join(s.into.Dir(), "published.json"), []byte(`{"format":1,"images":[`), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.write("f.yaml", without)
			s.write("app", "app")
			spoil(t, s)
			b := s.builder()
			result, err := Family(t.Context(), b.family, s.into, s.options())
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Images) != 2 || result.Plan == nil {
				t.Errorf("the result is %+v", result)
			}
			if unwritable := strings.Contains(name, "records"); (result.Unrecorded != nil) != unwritable {
				t.Errorf("it is not recorded: %v", result.Unrecorded)
			}
		})
	}
}

// A plan that cannot be made says which line of the spec it is about.
func TestPredict_saysWhere(t *testing.T) {
	s := newSite(t)
	s.write("f.yaml", specHeader+"  web:\n    from: \"127.0.0.1:1/none:1\"\n")
	_, err := Predict(t.Context(), s.builder().family, s.into, false, s.options())
	var failed *Error
	if !errors.As(err, &failed) || failed.At.Start.Line != 7 {
		t.Errorf("the error is %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("the user has had enough")
	cancel(enough)
	if _, err := Predict(ctx, s.builder().family, s.into, false, s.options()); !errors.Is(err, enough) {
		t.Errorf("when nobody waits for it, the error is %v", err)
	}
}

// Where no engine runs, it is said why one is needed; where one ran, its own error says it all.
func TestBuilder_withUnseen(t *testing.T) {
	s := newSite(t)
	s.write("f.yaml", specHeader+"  web:\n    from: \"127.0.0.1:1/none:1\"\n")
	b := s.builder()
	_, unseen := b.foresee(t.Context())
	unusable, other := &engine.UnusableError{Reason: engine.OtherSystem, Err: errors.New("no Linux")}, errors.New("exit code 1")
	if got := b.withUnseen(unusable, unseen).Error(); !strings.Contains(got, "none:1") || !strings.HasSuffix(got, "\nno Linux") {
		t.Errorf("without an engine: %s", got)
	}
	for _, err := range []error{other, nil} {
		if got := b.withUnseen(err, unseen); got != err {
			t.Errorf("of %v, it is %v", err, got)
		}
	}
	if got := b.withUnseen(unusable, nil); got != error(unusable) {
		t.Errorf("when all is known but the commands: %v", got)
	}
}

// A family that was built is the same the next time, and that is said without an engine.
func TestFamily_again(t *testing.T) {
	s := newSite(t)
	s.write("f.yaml", without)
	s.write("app", "app")
	first, err := Family(t.Context(), s.builder().family, s.into, s.options())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Family(t.Context(), s.builder().family, s.into, s.options())
	if err != nil {
		t.Fatal(err)
	}
	if first.Same != nil || again.Same == nil || again.Build.Number != first.Build.Number || again.Plan.Changes() != true || again.Plan.Count(ActionSame) != 2 {
		t.Errorf("first, %+v\nthen, %+v\nas %+v", first, again, again.Plan)
	}
	// Tags still have to move; nothing was published.
	if again.Plan.Tags != 2 {
		t.Errorf("%d tags move", again.Plan.Tags)
	}
	// A build before the last one that is the same becomes the last one.
	s.write("app", "changed")
	if _, err := Family(t.Context(), s.builder().family, s.into, s.options()); err != nil {
		t.Fatal(err)
	}
	s.write("app", "app")
	third, err := Family(t.Context(), s.builder().family, s.into, s.options())
	if err != nil || third.Same == nil || third.Same.Number != first.Build.Number || third.Build.Number != 3 {
		t.Errorf("%+v, %v", third, err)
	}
}

// Whoever gives up while waiting does not have the others get what came of it.
func TestOnce(t *testing.T) {
	l := &lookup{bases: nil, files: map[string]*lasting[[]byte]{}}
	calls := 0
	get := func(ctx context.Context, fail error) ([]byte, error) {
		return once(ctx, &l.mu, l.files, "x", func() ([]byte, error) {
			calls++
			return []byte("content"), fail
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := get(ended, context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("the first one got %v", err)
	}
	for range 2 {
		if got, err := get(t.Context(), nil); string(got) != "content" || err != nil {
			t.Errorf("the next one got %q, %v", got, err)
		}
	}
	if calls != 2 {
		t.Errorf("it was called %d times", calls)
	}
	gone := errors.New("gone")
	for range 2 { // a failure counts to the end of the build
		if _, err := once(t.Context(), &l.mu, l.files, "y", func() ([]byte, error) { calls++; return nil, gone }); !errors.Is(err, gone) {
			t.Errorf("it failed with %v", err)
		}
	}
	if calls != 3 {
		t.Errorf("it was called %d times", calls)
	}
}

// Engines run Linux, whatever this machine runs.
func TestThisPlatform(t *testing.T) {
	if p := thisPlatform(); p.OS != "linux" || p.OSVersion != "" || p.Architecture == "" {
		t.Errorf("it is %+v", p)
	}
}
