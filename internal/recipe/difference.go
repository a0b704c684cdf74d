package recipe

import (
	"cmp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// fact returns what differs between two facts of one name: one delta, or none.
func (c comparer) fact(old, now *fact) []delta {
	if old.Form == source || now.Form == source {
		return c.source(old, now)
	}
	if old.Form == now.Form && slices.Equal(old.Values, now.Values) && old.Sum == now.Sum {
		return nil
	}
	text, at := difference(old, now)
	if text == "" {
		return nil
	}
	return []delta{now.delta(text, at)}
}

// difference says what differs between two facts that do, and where.
func difference(old, now *fact) (text string, at spec.Range) {
	name := visible(now.Name)
	switch now.Form {
	case list, set, ordering:
		return lists(old, now)
	case command:
		if old.Form == command {
			return name + ": " + fromTo(shell.Words(old.Values), shell.Words(now.Values), true), now.at
		}
	case script:
		if old.Form == script {
			return name + ": " + lines(old.Values, now.Values), now.at
		}
	case content:
		if old.value(0) == now.value(0) || old.value(0) == "" || now.value(0) == "" {
			return "", now.at
		}
		return visible(now.value(1)) + " has another content", now.at
	case called:
		if old.value(0) == now.value(0) {
			return "the history names its files in another order", now.at
		}
		return "called " + fromTo(old.value(0), now.value(0), true) + " in the history", now.at
	case rest:
		return now.changed(), now.at
	}
	return name + ": " + fromTo(strings.Join(old.Values, "\n"), strings.Join(now.Values, "\n"), now.Form != single || old.Form != single), now.at
}

// changed says that a whole is another one.
func (f *fact) changed() string { return visible(cmp.Or(f.Group, f.Name)) + " changed" }

// come returns the delta for a fact that was not there.
func (f *fact) come() delta {
	text := visible(f.Name) + ": "
	switch f.Form {
	case list, set:
		text += items(f.Values, "+ ")
	case content, called, rest:
		return f.delta(f.changed(), f.at)
	case source:
		text += "+ " + visible(originOf(f))
	default:
		text += "+ " + f.shown()
	}
	return f.delta(text, f.place(0))
}

// gone returns the delta for a fact that is no longer there.
func (f *fact) gone() delta {
	text := visible(f.Name) + ": "
	switch f.Form {
	case list, set:
		text += items(f.Values, "- ")
	case content, called, rest:
		return f.delta(f.changed(), spec.Range{})
	case source:
		text += "- " + visible(originOf(f))
	default:
		text += "- " + f.shown()
	}
	return f.delta(text, spec.Range{})
}

func (f *fact) delta(text string, at spec.Range) delta {
	if f.Group == contractGroup && f.Form != rest {
		text += ", which is in " + contractGroup
	}
	return delta{text: text, at: at, reach: f.Reach, group: f.Group, last: f.Form == rest || f.Form == called}
}

// shown returns the value of a fact as text shows it.
func (f *fact) shown() string {
	switch f.Form {
	case command:
		return inQuotes(short(shell.Words(f.Values)))
	case script:
		text := short(f.value(0))
		if len(f.Values) > 1 {
			text += " …"
		}
		return inQuotes(text)
	}
	return quoted(strings.Join(f.Values, "\n"))
}

// unlessSaid returns deltas without those that count only if nothing else is said: of the same generated file or, for the history, of the step.
func unlessSaid(all []delta, others bool) []delta {
	var out, last []delta
	for _, d := range all {
		if d.last {
			last = append(last, d)
		} else {
			out = append(out, d)
		}
	}
	for _, d := range last {
		same := func(o delta) bool { return d.group == "" || o.group == d.group }
		if !slices.ContainsFunc(out, same) && (d.group != "" || !others) {
			out = append(out, d)
		}
	}
	return out
}

// originOf names the image of a fact.
func originOf(f *fact) string {
	return cmp.Or(f.Image, f.value(0))
}

// source returns what differs between two images that one is based on, or a step takes files from.
func (c comparer) source(old, now *fact) []delta {
	before, after := originOf(old), originOf(now)
	was, is := old.value(1), now.value(1)
	text, reach := "", now.Reach
	switch {
	case old.Form != now.Form || (old.Image == "") != (now.Image == ""):
		text = now.instead(before, after)
	case now.Image != "":
		if config := now.Name == baseName; before == after || c.old.ident(before, config) == c.now.ident(after, config) {
			return nil
		}
		text = now.instead(before, after)
	case was == is && is != "" && before != after && now.Name == baseName:
		text, reach = "from "+familiar(before)+" to "+familiar(after)+", which is the same image", ofConfig
	case was == is && (before == after || is != ""), before == after && (was == "" || is == ""):
		return nil
	case before == after:
		text = visible(after) + " moved from " + digestOf(was) + " to " + digestOf(is)
		if now.Name == baseName {
			text = "base " + text
		}
	case now.Name == baseName:
		text = "from " + familiar(before) + " to " + familiar(after)
	default:
		text = now.instead(before, after)
	}
	d := now.delta(text, now.at)
	d.reach = reach
	return []delta{d}
}

// instead says that another image is in the place of one.
func (f *fact) instead(before, after string) string {
	if f.Name == baseName {
		return "is based on " + visible(after) + " now, before on " + visible(before)
	}
	return visible(f.Name) + ": " + visible(before) + " to " + visible(after)
}

// familiar returns a reference as people write it.
func familiar(name string) string {
	if named, err := reference.ParseNormalizedNamed(name); err == nil {
		name = reference.FamiliarString(named)
	}
	return visible(name)
}
