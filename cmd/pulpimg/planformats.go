package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/build"
)

// markdownPlan prints a plan as a table of GitHub's Markdown.
// https://github.github.com/gfm/#tables-extension-
func markdownPlan(w io.Writer, plan *build.Plan) error {
	var b strings.Builder
	b.WriteString("| Image | Action | Because | Commands |\n| --- | --- | --- | --- |\n")
	for _, image := range plan.Images {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", markdownCell(image.Name), image.Action, markdownCell(because(image)), markdownCell(commandsOf(image)))
	}
	fmt.Fprintf(&b, "\n%s\n", planSummary(plan))
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownCell returns a text that is shown as it is in a cell.
func markdownCell(text string) string {
	var b strings.Builder
	for _, c := range text {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|~&", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// annotatePlan prints a notice for each image with which something is done, at its place in the spec.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func annotatePlan(w io.Writer, plan *build.Plan) error {
	for _, image := range plan.Images {
		if image.Action == build.ActionSame {
			continue
		}
		var reason build.Reason
		if len(image.Reasons) > 0 {
			reason = image.Reasons[0]
		}
		place := ""
		if file, line, column, ok := splitPlace(reason.At); ok {
			place = fmt.Sprintf(" file=%s,line=%s,col=%s", commandProperty(file), line, column)
		}
		text := strings.TrimRight(fmt.Sprintf("%s: %s: %s", image.Name, image.Action, reason.Text), ": ")
		if _, err := fmt.Fprintf(w, "::notice%s::%s\n", place, commandData(text)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, planSummary(plan))
	return err
}

// splitPlace splits FILE:LINE:COLUMN.
func splitPlace(place string) (file, line, column string, ok bool) {
	rest, column, ok := cutLast(place)
	if !ok {
		return "", "", "", false
	}
	file, line, ok = cutLast(rest)
	return file, line, column, ok
}

func cutLast(s string) (before, after string, ok bool) {
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}

func commandData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func commandProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandData(s))
}
