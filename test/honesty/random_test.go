package honesty

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	// The default is a number, so that a commit does not fail by chance. What others find is a mistake all the same.
	seed  = flag.Uint64("seed", 15, "of the random edits; 0 takes another one each time")
	edits = flag.Int("edits", 15, "how many random edits")
)

// A tally counts what became of edits.
type tally struct{ valid, invalid, failed, same, relayer, run, mayRun int }

// A target is a key of the language, or a way to change a file, with everything that has it.
type target struct {
	name string
	edit func(t *testing.T, random *rand.Rand) (*subject, edit, bool)
}

// TestHonest_random makes random edits, spread over all keys of the language, builds, takes them back, and builds again.
func TestHonest_random(t *testing.T) {
	chosen := *seed
	if chosen == 0 {
		chosen = uint64(time.Now().UnixNano())
	}
	t.Logf("again with -run TestHonest_random -seed %d -edits %d", chosen, *edits)
	random := rand.New(rand.NewPCG(chosen, 14))
	all := subjects(t)
	if *edits < 100 { // then the first builds of all of them would take longer than the edits
		kept := random.Perm(len(all))[:3]
		all = []*subject{all[0], all[kept[0]], all[kept[1]], all[kept[2]]}
	}
	now := map[*subject]map[string]string{} // the digests
	var count tally
	targets := targetsOf(t, all)
	random.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
	untouched := map[string]bool{}
	for round := 0; count.valid < *edits && round < 10**edits; round++ {
		target := targets[round%len(targets)]
		untouched[target.name] = untouched[target.name] || round < len(targets)
		for range 60 { // many edits are invalid, and many specs have no files
			s, e, ok := target.edit(t, random)
			if !ok {
				continue
			}
			if now[s] == nil {
				e.undo()
				now[s] = step(t, s, nil).digests()
				continue
			}
			if !try(t, s, e, now[s], &count) {
				continue
			}
			delete(untouched, target.name)
			break
		}
	}
	t.Logf("%+v; without a valid edit: %s", count, strings.Join(slices.Sorted(maps.Keys(untouched)), " "))
	if count.valid < *edits {
		t.Errorf("only %d edits were valid", count.valid)
	}
}

// targetsOf returns all keys of the language that the specs have, or could have, and all ways to change their files.
func targetsOf(t *testing.T, all []*subject) []target {
	t.Helper()
	names, having := map[string][]*subject{}, map[string][]*subject{}
	for _, s := range all {
		for _, at := range sites(t, s) {
			if !slices.Contains(names[at.name()], s) {
				names[at.name()] = append(names[at.name()], s)
			}
			if at.value() != nil && !slices.Contains(having[at.name()], s) {
				having[at.name()] = append(having[at.name()], s)
			}
		}
	}
	var out []target
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if name == "spec.version" {
			continue
		}
		out = append(out, target{name, func(t *testing.T, random *rand.Rand) (*subject, edit, bool) {
			from, present := names[name], len(having[name]) > 0 && random.IntN(2) == 0
			if present { // or else keys that few have would only be added
				from = having[name]
			}
			s := from[random.IntN(len(from))]
			here := slices.DeleteFunc(sites(t, s), func(at site) bool { return at.name() != name || present && at.value() == nil })
			if len(here) == 0 {
				return nil, edit{}, false // an edit took the last one away
			}
			return s, here[random.IntN(len(here))].edit(t, random), true
		}})
	}
	for _, way := range []string{"altered", "executable", "touched", "removed", "added"} {
		out = append(out, target{"file " + way, func(t *testing.T, random *rand.Rand) (*subject, edit, bool) {
			s := all[random.IntN(len(all))]
			e, ok := editFile(t, random, s, way)
			return s, e, ok
		}})
	}
	return out
}

// try builds with an edit, and without it again. It reports whether the edit was valid.
func try(t *testing.T, s *subject, e edit, before map[string]string, count *tally) bool {
	t.Helper()
	defer e.undo()
	if _, err := s.family(t); err != nil {
		count.invalid++
		return false
	}
	plan, planErr := s.plan(t)
	built, err := s.build(t)
	switch {
	case err != nil:
		count.failed++
		t.Logf("%s, %s: it cannot be built: %.300v", s.name, e.text, err)
		e.undo()
		back(t, s, e, before)
		return false
	case planErr != nil:
		t.Errorf("%s, %s: it can be built, and not planned: %v", s.name, e.text, planErr)
		return true
	}
	count.valid++
	for _, mistake := range append(compare(plan, built, before), named(plan, built, e)...) {
		t.Errorf("%s, %s: %s", s.name, e.text, mistake)
	}
	count.add(plan)
	t.Logf("%s, %s: %s; ran: %s", s.name, e.text, summary(plan), built.commands())
	for _, mistake := range published(plan, s.push(t, built)) {
		t.Errorf("%s, %s: %s", s.name, e.text, mistake)
	}
	e.undo()
	s.back(t, e, built.digests(), before)
	return true
}

func back(t *testing.T, s *subject, e edit, before map[string]string) {
	t.Helper()
	s.back(t, e, before, before)
}

// back builds without an edit: what was there before comes back, and no command runs for that.
func (s *subject) back(t *testing.T, e edit, now, before map[string]string) {
	t.Helper()
	plan, err := s.plan(t)
	if err != nil {
		t.Fatal(err)
	}
	built, err := s.build(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, mistake := range compare(plan, built, now) {
		t.Errorf("%s, back from %s: %s", s.name, e.text, mistake)
	}
	if ran := built.commands(); ran != "" {
		t.Logf("%s, back from %s: %s; ran: %s", s.name, e.text, summary(plan), ran)
	}
	if got := built.digests(); !maps.Equal(got, before) {
		for name, digest := range got {
			if digest != before[name] {
				t.Errorf("%s, back from %s: %s is %s, and was %s", s.name, e.text, name, digest, before[name])
			}
		}
		maps.Copy(before, got) // each is said once
	}
	s.push(t, built) // the registry has it from before, which nobody knows who knows only where tags point to
}
