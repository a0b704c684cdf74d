package schema

import "strings"

// schedulePattern returns the pattern of what a CronJob takes for a schedule, but for `@every`, names in mixed case and a few more that mean
// the same as what is here. https://pkg.go.dev/github.com/robfig/cron/v3#ParseStandard
func schedulePattern() string {
	var fields []string
	for _, one := range []string{
		`[0-5]?[0-9]`,
		`(?:[01]?[0-9]|2[0-3])`,
		`(?:0?[1-9]|[12][0-9]|3[01])`,
		`(?:0?[1-9]|1[0-2]|` + inBothCases(Months()) + `)`,
		`(?:0?[0-6]|` + inBothCases(Weekdays()) + `)`,
	} {
		item := `(?:\*|` + one + `(?:-` + one + `)?)(?:/[1-9][0-9]?)?`
		fields = append(fields, item+`(?:,`+item+`)*`)
	}
	return `@(?:hourly|daily|midnight|weekly|monthly|yearly|annually)|` + strings.Join(fields, ` +`)
}

// Months returns the names that months have in schedules, from 1 on.
func Months() []string {
	return []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
}

// Weekdays returns the names that the days of a week have in schedules, from 0 on.
func Weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

func inBothCases(names []string) string {
	return strings.Join(names, "|") + "|" + strings.ToUpper(strings.Join(names, "|"))
}
