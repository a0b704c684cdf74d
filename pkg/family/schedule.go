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
		problem, hint := noSchedule(value)
		r.report.Add(t.At, hint, "%q is no schedule: %s", value, problem)
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

// noSchedule says what is wrong with what is no schedule, and what to write instead. What other crons take comes first.
func noSchedule(value string) (problem, hint string) {
	const such = `such as "*/5 * * * *" for each five minutes, or "@daily"`
	fields := strings.Fields(value)
	switch {
	case len(fields) > 0 && fields[0] == "@every":
		return "@every is not taken: its times depend on when it began", such
	case value == "@reboot":
		return "@reboot is not taken: a cluster does not start as a machine does", "kind: job runs once"
	case len(fields) == 5 && hasDay7(fields[4]):
		return "days of the week are numbers from 0 to 6, and Sunday is 0", `such as "0 3 * * 0", or "5-6,0" for Friday to Sunday`
	}
	return "it has five fields, the minute, hour, day, month and day of the week", such
}

// hasDay7 reports whether the days of the week have a 7, which is Sunday to many a cron.
func hasDay7(days string) bool {
	for item := range strings.SplitSeq(days, ",") {
		item, _, _ = strings.Cut(item, "/")
		from, to, _ := strings.Cut(item, "-")
		if scheduleNumber(from) == 7 || scheduleNumber(to) == 7 {
			return true
		}
	}
	return false
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
