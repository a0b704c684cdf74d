package recipe

import (
	"slices"
	"strings"
)

// A pair is a step before and now; -1 for one that is not there.
type pair struct {
	old, now int
	moved    bool // the same step is elsewhere
}

// equal is the similarity of two steps that do the same. Other pairs are less similar. A step is still compared with another step of its kind
// that differs in everything, unless there is a more similar one.
const equal = 1000

// align pairs the steps of an image with what they were, so that the pairs are as similar as they can be and in order.
func align(old, now []step) []pair {
	before, after := sums(old), sums(now)
	var first, last []pair
	for len(before) > len(first) && len(after) > len(first) && before[len(first)] == after[len(first)] {
		first = append(first, pair{old: len(first), now: len(first)})
	}
	from, end, endNow := len(first), len(old), len(now)
	for end > from && endNow > from && before[end-1] == after[endNow-1] {
		end, endNow = end-1, endNow-1
		last = append(last, pair{old: end, now: endNow})
	}
	slices.Reverse(last)
	middle := between(describe(old[from:end], before[from:end]), describe(now[from:endNow], after[from:endNow]))
	for i := range middle {
		middle[i] = middle[i].behind(from)
	}
	return markMoved(slices.Concat(first, middle, last), before, after)
}

// behind returns a pair of steps that come after so many others.
func (p pair) behind(n int) pair {
	if p.old >= 0 {
		p.old += n
	}
	if p.now >= 0 {
		p.now += n
	}
	return p
}

func sums(steps []step) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = s.sum()
	}
	return out
}

// between pairs steps of which neither the first nor the last ones are the same.
func between(before, after []description) []pair {
	width := len(after) + 1
	best := make([]int, (len(before)+1)*width) // the similarity of the steps from there on
	for i := len(before) - 1; i >= 0; i-- {
		for j := len(after) - 1; j >= 0; j-- {
			best[i*width+j] = max(best[(i+1)*width+j], best[i*width+j+1])
			if s := before[i].similar(after[j]); s > 0 {
				best[i*width+j] = max(best[i*width+j], s+best[(i+1)*width+j+1])
			}
		}
	}
	var out []pair
	for i, j := 0, 0; i < len(before) || j < len(after); {
		switch {
		case i < len(before) && j < len(after) && taken(before[i].similar(after[j]), best[i*width+j], best[(i+1)*width+j+1]):
			out = append(out, pair{old: i, now: j})
			i, j = i+1, j+1
		case j == len(after) || i < len(before) && best[i*width+j] == best[(i+1)*width+j]:
			out = append(out, pair{old: i, now: -1})
			i++
		default:
			out = append(out, pair{old: -1, now: j})
			j++
		}
	}
	return out
}

// taken reports whether two steps of some similarity are a pair of the best alignment.
func taken(similar, here, behind int) bool { return similar > 0 && here == similar+behind }

// markMoved finds the steps that are elsewhere.
func markMoved(pairs []pair, before, after []string) []pair {
	for i, p := range pairs {
		if p.now >= 0 {
			continue
		}
		to := slices.IndexFunc(pairs, func(q pair) bool { return q.old < 0 && !q.moved && after[q.now] == before[p.old] })
		if to >= 0 {
			pairs[i].moved, pairs[to].moved = true, true
		}
	}
	return pairs
}

// layersBefore returns which layers the steps of an image made before, as Difference.Layers has them.
func layersBefore(old, now []step, pairs []pair) []int {
	made, n := make([]int, len(old)), 0
	for i := len(old) - 1; i >= 0; i-- {
		if old[i].Kind != envKind {
			n++
			made[i] = n
		}
	}
	out := make([]int, len(now))
	for _, p := range pairs {
		if p.old >= 0 && p.now >= 0 {
			out[p.now] = made[p.old]
		}
	}
	return out
}

// A description is what the similarity of steps is computed from.
type description struct {
	kind, sum string
	words     map[string]int
	total     int
}

// maxWords bounds how much of a step is looked at.
const maxWords = 2000

func describe(steps []step, sums []string) []description {
	out := make([]description, len(steps))
	for i, s := range steps {
		d := description{kind: s.Kind, sum: sums[i], words: map[string]int{}}
		for _, f := range s.Facts {
			for _, v := range f.Values {
				d.add(f.Name + "=" + v)
				for _, word := range strings.Fields(v) {
					d.add(word)
				}
			}
		}
		for _, f := range s.Files {
			d.add(f.Path)
			d.add(f.Sum)
		}
		out[i] = d
	}
	return out
}

func (d *description) add(word string) {
	if d.total < maxWords {
		d.words[word]++
		d.total++
	}
}

// similar returns how similar two steps are; 0, if they are of different kinds.
func (d description) similar(other description) int {
	if d.kind != other.kind {
		return 0
	}
	if d.sum == other.sum {
		return equal
	}
	common := 0
	for word, n := range d.words {
		common += min(n, other.words[word])
	}
	return 1 + equal*common/(d.total+other.total+1)
}
