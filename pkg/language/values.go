package language

import (
	"regexp"
	"strings"
	"time"
)

// Helpers returns the parts of pulp-helper that a spec may ask for.
func Helpers() []string { return []string{"config", "wait", "exec"} }

// Schemes returns the protocols in which pulp-helper can wait for a service.
func Schemes() []string {
	return []string{"mongodb", "amqp", "amqps", "tcp", "http", "https", "postgres", "redis"}
}

// What stands for values of a service that are left out: a minute in all, which a database that was started together with its users may well
// take.
const (
	DefaultTries    = 12
	DefaultInterval = 5 * time.Second
	DefaultTimeout  = 2 * time.Second
)

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
