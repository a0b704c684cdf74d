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
	best, distance := "", len(name)/2+1
	effort := maxEffort
	for _, c := range candidates {
		if effort -= len(name) * len(c); effort < 0 {
			return ""
		}
		if len(c)-len(name) >= distance || len(name)-len(c) >= distance {
			continue // it takes that many characters alone
		}
		if d := editDistance(strings.ToLower(name), strings.ToLower(c)); d < distance {
			best, distance = c, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	const few = 20
	if len(candidates) == 0 || len(candidates) > few {
		return ""
	}
	sorted := slices.Sorted(slices.Values(candidates))
	return "there is " + strings.Join(sorted, ", ")
}

// editDistance is how many characters have to be put in, taken out or changed to make one word of another (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
