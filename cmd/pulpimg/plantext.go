package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/pkg/build"
)

// textPlan prints a plan for people. On a terminal, no line is longer than the terminal is wide.
func textPlan(w io.Writer, plan *build.Plan, verbose bool) error {
	width := styleOf(w).Width
	rows := make([][]string, len(plan.Images))
	for i, image := range plan.Images {
		rows[i] = []string{image.Name, string(image.Action), because(image), commandsOf(image)}
	}
	fitReasons(rows, width)
	table := newTable(w)
	for i, image := range plan.Images {
		table.row(rows[i]...)
		if verbose {
			table.below(stepLines(image, width)...)
		}
	}
	if err := table.flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, planSummary(plan))
	return err
}

// because returns the most important reason of what is done with an image, and how many more there are.
func because(image build.PlannedImage) string {
	if len(image.Reasons) == 0 {
		return ""
	}
	return andMore(reasonText(image.Reasons[0]), len(image.Reasons)-1)
}

// andMore adds to a text how many more there are.
func andMore(text string, more int) string {
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// reasonText returns a reason with its place in the spec.
func reasonText(r build.Reason) string {
	text := diagnostic.Visible(r.Text)
	if r.At != "" {
		line, _ := cutLast(r.At)
		text += "  (" + line + ")"
	}
	return text
}

// commandsOf says what of an image runs, and how old is what ran before.
func commandsOf(image build.PlannedImage) string {
	switch {
	case image.Run > 0 && image.MayRun > 0:
		return fmt.Sprintf("runs %s, perhaps %d more", count(image.Run, "command"), image.MayRun)
	case image.Run > 0:
		return "runs " + count(image.Run, "command")
	case image.MayRun > 0:
		return "may run " + count(image.MayRun, "command")
	}
	if ran := oldest(image); !ran.IsZero() {
		return "ran " + age(time.Since(ran))
	}
	if image.Action == build.ActionSame {
		return ""
	}
	return "0 commands"
}

// oldest returns when the first of the commands ran whose results are taken as they are and that used the network.
func oldest(image build.PlannedImage) time.Time {
	var first time.Time
	for _, step := range image.Steps {
		if step.Ran != nil && (first.IsZero() || step.Ran.Before(first)) {
			first = *step.Ran
		}
	}
	return first
}

// age says how long ago something was.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Hour:
		return "within the hour"
	case d < 2*day:
		return count(int(d/time.Hour), "hour") + " ago"
	}
	return count(int(d/day), "day") + " ago"
}

// stepLines says what is done for each step of an image.
func stepLines(image build.PlannedImage, width int) []string {
	rows := make([][]string, len(image.Steps))
	for i, step := range image.Steps {
		text := ""
		if len(step.Reasons) > 0 {
			text = reasonText(step.Reasons[0])
		} else if step.Ran != nil && !step.Ran.IsZero() {
			text = "ran " + age(time.Since(*step.Ran))
		}
		rows[i] = []string{fmt.Sprintf("%d/%d", i+1, len(image.Steps)), string(step.Action), diagnostic.Visible(step.Title), text}
	}
	fitReasons(fitLast(rows, width-len("  ")), width-len("  "))
	var b strings.Builder
	table := newTable(&b)
	for _, row := range rows {
		table.row(row...)
	}
	_ = table.flush() // a Builder takes everything
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// fitLast shortens the last column to half of a width. A place in the spec goes first.
func fitLast(rows [][]string, width int) [][]string {
	if width <= 0 {
		return rows
	}
	for _, row := range rows {
		if last := &row[len(row)-1]; utf8.RuneCountInString(*last) > width/2 {
			text, _, _ := strings.Cut(*last, "  (")
			*last = shortened(text, width/2)
		}
	}
	return rows
}

// minReason is how much is left of a reason, whatever the width.
const minReason = 12

// fitReasons shortens the third column so that a table fits into a width. A place in the spec goes first.
func fitReasons(rows [][]string, width int) {
	if width <= 0 {
		return
	}
	var widest [4]int
	for _, row := range rows {
		for i, cell := range row {
			widest[i] = max(widest[i], utf8.RuneCountInString(cell))
		}
	}
	room := max(width-widest[0]-widest[1]-widest[3]-3*len("  "), minReason)
	for _, row := range rows {
		if utf8.RuneCountInString(row[2]) <= room {
			continue
		}
		text, _, _ := strings.Cut(row[2], "  (")
		row[2] = shortened(text, room)
	}
}

// shortened cuts a text to a width.
func shortened(text string, width int) string {
	if characters := []rune(text); len(characters) > width {
		return string(characters[:width-1]) + "…"
	}
	return text
}

// planSummary says what a plan comes to.
func planSummary(plan *build.Plan) string {
	var parts []string
	for _, one := range []struct {
		action build.Action
		text   string
	}{
		{build.ActionRun, "to run"}, {build.ActionMayRun, "may run"}, {build.ActionRelayer, "to relayer"}, {build.ActionSame, "the same"},
	} {
		if n := plan.Count(one.action); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, one.text))
		}
	}
	text := "Plan: " + strings.Join(parts, ", ")
	if plan.Upload > 0 {
		text += "; about " + size(plan.Upload) + " to upload"
	}
	switch plan.Tags {
	case 0:
	case 1:
		text += "; 1 tag moves"
	default:
		text += fmt.Sprintf("; %d tags move", plan.Tags)
	}
	return text + "."
}
