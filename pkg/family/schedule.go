package family

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// schedule returns when a job runs.
func (r *resolver) schedule(t spec.Text) string {
	value, ok := r.substitute.expand(t, atBuild)
	if !t.IsSet() || !ok {
		return value
	}
	if !schedule.MatchString(value) {
		r.report.Add(t.At, `such as "*/5 * * * *" for each five minutes, or "@daily"`, "%q is no schedule: it has five fields, the minute, hour, day, month and day of the week", value)
		return value
	}
	for _, field := range strings.Fields(value) {
		for item := range strings.SplitSeq(field, ",") {
			if goesBackwards(item) {
				r.report.Add(t.At, "write it as two, with a comma", "%q in the schedule ends before it begins", item)
			}
		}
	}
	return value
}

// goesBackwards reports whether an item of a schedule is a range whose end is before its beginning.
func goesBackwards(item string) bool {
	item, _, _ = strings.Cut(item, "/")
	from, to, isRange := strings.Cut(item, "-")
	return isRange && scheduleNumber(from) > scheduleNumber(to)
}

// scheduleNumber returns the number that a word of a schedule stands for. No month has the name of a day.
func scheduleNumber(word string) int {
	if n, err := strconv.Atoi(word); err == nil {
		return n
	}
	word = strings.ToLower(word)
	if at := slices.Index(schema.Months(), word); at >= 0 {
		return at + 1
	}
	return slices.Index(schema.Weekdays(), word)
}
