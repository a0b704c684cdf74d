package diagnostic

import (
	"fmt"
	"io"
	"strings"
)

// A Record is a diagnostic as machines read it. Keys are added in later versions, never changed.
type Record struct {
	Kind Kind `json:"kind"`
	// File, Line and Column are left out when there is no place. Both count from 1, the column in characters (Unicode code points).
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// EndLine is the last line, EndColumn the column after the last character. EndColumn is there when both are in one line.
	EndLine   int      `json:"end_line,omitempty"`
	EndColumn int      `json:"end_column,omitempty"`
	Message   string   `json:"message"`
	Hint      string   `json:"hint,omitempty"`
	Output    []string `json:"output,omitempty"`
	Deeper    string   `json:"debug_command,omitempty"`
}

// Records returns diagnostics as machines read them.
func Records(list []Diagnostic, sources Sources) []Record {
	reader := newReader(sources)
	out := make([]Record, len(list))
	for i, d := range list {
		out[i] = Record{Kind: d.Kind, Message: d.Message, Hint: d.Hint, Output: d.Output, Deeper: d.Deeper}
		if !d.hasPlace() {
			continue
		}
		out[i].File, out[i].Line, out[i].Column = d.File, d.At.Start.Line, d.At.Start.Column
		out[i].EndLine = max(d.At.End.Line, d.At.Start.Line)
		if end := reader.lines(d.File).end(d.At); out[i].EndLine == out[i].Line && end > out[i].Column {
			out[i].EndColumn = end
		}
	}
	return out
}

// GitHub writes diagnostics as workflow commands, which GitHub shows beside the lines of a pull request.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
func GitHub(w io.Writer, list []Diagnostic) error {
	var b strings.Builder
	for _, r := range Records(list, nil) {
		b.WriteString(Annotation("error", r.File, r.Line, r.Column, body(r)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Annotation returns a workflow command with which GitHub shows a text, beside a line if there is a file. The level is error, warning or notice.
func Annotation(level, file string, line, column int, text string) string {
	place := ""
	if file != "" {
		place = fmt.Sprintf(" file=%s,line=%d,col=%d", property.Replace(file), line, column)
	}
	return "::" + level + place + "::" + plain(data.Replace(text)) + "\n"
}

// body returns all that an annotation says.
func body(r Record) string {
	lines := append([]string{r.Message}, r.Output...)
	if r.Hint != "" {
		lines = append(lines, "hint: "+r.Hint)
	}
	if r.Deeper != "" {
		lines = append(lines, "to look deeper: "+r.Deeper)
	}
	return strings.Join(lines, "\n")
}

// What would end a workflow command or a property of it, as GitHub's own toolkit writes it.
// https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
