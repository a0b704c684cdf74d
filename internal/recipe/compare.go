package recipe

import (
	"cmp"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A comparer compares the images of one platform.
type comparer struct {
	platform string
	old, now images
}

// A delta is a difference between facts or files.
type delta struct {
	text  string
	at    spec.Range
	reach reach
	group string
	last  bool // it counts only if nothing else is said
}

// image returns what differs in an image, of which the steps are paired.
func (c comparer) image(old, now *image, pairs []pair) []Change {
	var out []Change
	for _, d := range c.facts(old.Facts, now.Facts) {
		out = append(out, Change{Step: -1, Text: d.text, At: d.at, Content: reaches(d.reach, old.Steps, now.Steps)})
	}
	for _, p := range pairs {
		out = append(out, c.pair(old, now, p)...)
	}
	return out
}

// pair returns what differs in a step, which may have come or gone.
func (c comparer) pair(old, now *image, p pair) []Change {
	switch {
	case p.now < 0 && p.moved:
		return nil // it is said where it is now
	case p.now < 0:
		s := old.Steps[p.old]
		return []Change{{Step: -1, Text: "- " + short(s.Title), Content: s.Kind != envKind || anyRuns(true, old.Steps[p.old:])}}
	case p.old < 0:
		s := now.Steps[p.now]
		text := "+ " + short(s.Title)
		if p.moved {
			text = "moved: " + short(s.Title)
		}
		return []Change{{Step: p.now, Title: visible(s.Title), Text: text, At: s.at, Content: s.Kind != envKind || anyRuns(true, now.Steps[p.now:])}}
	}
	s := now.Steps[p.now]
	var out []Change
	for _, d := range c.step(old.Steps[p.old], s) {
		content := reaches(d.reach, old.Steps[p.old:], now.Steps[p.now:])
		out = append(out, Change{Step: p.now, Title: visible(s.Title), Text: d.text, At: orAt(d.at, s.at), Content: content})
	}
	return out
}

// reaches reports whether a layer may depend on what differs before or in the first of these steps.
func reaches(r reach, old, now []step) bool {
	switch r {
	case ofConfig:
		return false
	case ofCommands:
		return anyRuns(true, old) || anyRuns(true, now)
	case ofRuns:
		return anyRuns(false, old) || anyRuns(false, now)
	}
	return true
}

// anyRuns reports whether one of the steps runs a command; withDir counts those that have a directory of their own.
func anyRuns(withDir bool, steps []step) bool {
	return slices.ContainsFunc(steps, func(s step) bool { return s.runs(withDir) })
}

// byImportance sorts changes: what changes layers comes first. Otherwise they are in the order in which an image is made.
func byImportance(a, b Change) int {
	order := func(c Change) int {
		if c.Content {
			return 0
		}
		return 1
	}
	return cmp.Compare(order(a), order(b))
}

// step returns what differs in a step that is there in both.
func (c comparer) step(old, now step) []delta {
	if how := find(now.Facts, howName); how != nil {
		if before := find(old.Facts, howName); before != nil && slices.Equal(before.Values, how.Values) {
			return nil
		}
	}
	out := filesSince(old, now)
	return append(out, c.factsBeside(old.Facts, now.Facts, len(out) > 0)...)
}

func find(facts []fact, name string) *fact {
	for i := range facts {
		if facts[i].Name == name {
			return &facts[i]
		}
	}
	return nil
}

// facts returns what differs between facts.
func (c comparer) facts(old, now []fact) []delta { return c.factsBeside(old, now, false) }

// factsBeside returns what differs between facts; others says that something else differs already.
func (c comparer) factsBeside(old, now []fact, others bool) []delta {
	before, after := byName(old), byName(now)
	var out []delta
	for i := range now {
		f := &now[i]
		if after[f.Name] != f {
			continue
		}
		if was := before[f.Name]; was != nil {
			out = append(out, c.fact(was, f)...)
		} else if !f.Part && f.Form != ordering {
			out = append(out, f.come())
		}
	}
	for i := range old {
		f := &old[i]
		if before[f.Name] == f && after[f.Name] == nil && !f.Part && f.Form != ordering {
			out = append(out, f.gone())
		}
	}
	return unlessSaid(out, others)
}

// byName returns facts by their names; of several of one name, which only a damaged recipe has, the last.
func byName(facts []fact) map[string]*fact {
	out := make(map[string]*fact, len(facts))
	for i := range facts {
		out[facts[i].Name] = &facts[i]
	}
	return out
}
