package schema

import (
	"regexp"
	"strings"
)

// Helpers returns the parts of pulp-helper that a spec may ask for.
func Helpers() []string { return []string{"config", "wait", "exec"} }

// GitVariables returns the names of the variables that every spec has and that describe its git repository, sorted.
func GitVariables() []string {
	return []string{"git.branch", "git.date", "git.dirty", "git.revision", "git.tag"}
}

// oneOf returns a pattern for one of several words.
func oneOf(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = regexp.QuoteMeta(w)
	}
	return strings.Join(quoted, "|")
}

// list lists words for people.
func list(words []string) string {
	return "`" + strings.Join(words, "`, `") + "`"
}
