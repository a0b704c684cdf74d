package spec

import (
	"fmt"
	"slices"
	"strings"
)

// maxEffort bounds the pairs of characters that are compared for one hint: some thousand names of twenty.
const maxEffort = 400_000

// DidYouMean returns a hint that names the candidate that is most like a name, or lists the candidates when none is and they are few.
func DidYouMean(name string, candidates []string) string {
	if near, ok := Nearest(name, candidates); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	const few = 24
	if len(candidates) == 0 || len(candidates) > few || effort(name, candidates) > maxEffort {
		return ""
	}
	sorted := slices.Sorted(slices.Values(candidates))
	return "there is " + strings.Join(sorted, ", ")
}

// Nearest returns the candidate that is most like a name, if one is so much like it that it may be meant.
func Nearest(name string, candidates []string) (near string, ok bool) {
	if effort(name, candidates) > maxEffort {
		return "", false
	}
	best := maxChanges + 1
	for _, c := range candidates {
		distance := min(best, changes(max(len(name), len(c)))+1)
		if len(c)-len(name) >= distance || len(name)-len(c) >= distance {
			continue // it takes that many characters alone
		}
		if d := editDistance(strings.ToLower(name), strings.ToLower(c)); d < distance {
			near, best, ok = c, d, true
		}
	}
	return near, ok
}

// maxChanges is how many typing errors a name may have, however long it is.
const maxChanges = 3

// changes is how many typing errors a name of so many characters may have: with more, one short word becomes another.
func changes(length int) int {
	switch {
	case length <= 1:
		return 0
	case length <= 5:
		return 1
	case length <= 9:
		return 2
	default:
		return maxChanges
	}
}

// effort is how many pairs of characters it takes to compare a name with the candidates.
func effort(name string, candidates []string) int {
	total := 0
	for _, c := range candidates {
		total += len(name) * len(c)
	}
	return total
}

// editDistance is how many characters have to be put in, taken out, changed or swapped with the next one to make one word of another
// (optimal string alignment).
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
