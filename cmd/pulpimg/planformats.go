package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
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
func annotatePlan(w io.Writer, plan *build.Plan) error {
	for _, image := range plan.Images {
		if image.Action == build.ActionSame {
			continue
		}
		var reason build.Reason
		if len(image.Reasons) > 0 {
			reason = image.Reasons[0]
		}
		file, line, column := splitPlace(reason.At)
		text := strings.TrimRight(fmt.Sprintf("%s: %s: %s", image.Name, image.Action, reason.Text), ": ")
		if _, err := io.WriteString(w, diagnostic.Annotation("notice", file, line, column, text)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, planSummary(plan))
	return err
}

// splitPlace splits FILE:LINE:COLUMN. Of what is no place, it returns no file.
func splitPlace(place string) (file string, line, column int) {
	rest, lastPart := cutLast(place)
	file, middle := cutLast(rest)
	line, lineErr := strconv.Atoi(middle)
	column, columnErr := strconv.Atoi(lastPart)
	if lineErr != nil || columnErr != nil {
		return "", 0, 0
	}
	return file, line, column
}

// cutLast cuts a text in two at its last colon. Without one, it is all before it.
func cutLast(s string) (before, after string) {
	if at := strings.LastIndexByte(s, ':'); at >= 0 {
		return s[:at], s[at+1:]
	}
	return s, ""
}
