package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// maxLine is how long a line may be where a list can go on in the next one.
const maxLine = 80

// A table aligns its columns.
type table struct {
	w       io.Writer
	aligned *bytes.Buffer
	columns *tabwriter.Writer
	rows    int
	after   map[int][]string // lines that come after so many rows, and are no part of a column
}

func newTable(w io.Writer, header ...string) *table {
	var aligned bytes.Buffer
	t := &table{w: w, aligned: &aligned, columns: tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0), after: map[int][]string{}}
	if len(header) > 0 {
		t.row(header...)
	}
	return t
}

func (t *table) row(cells ...string) {
	t.rows++
	fmt.Fprintln(t.columns, strings.Join(cells, "\t"))
}

// below puts lines below the last row, indented.
func (t *table) below(lines ...string) {
	for _, line := range lines {
		t.after[t.rows] = append(t.after[t.rows], "  "+line)
	}
}

func (t *table) flush() error {
	if err := t.columns.Flush(); err != nil {
		return err
	}
	rows := 0
	for line := range strings.Lines(t.aligned.String()) {
		rows++
		for _, text := range append([]string{line}, t.after[rows]...) {
			if _, err := fmt.Fprintln(t.w, strings.TrimRight(text, " \n")); err != nil {
				return err
			}
		}
	}
	return nil
}

// tagLines lists references as REPOSITORY: TAG, TAG. A list that is too long for a line goes on in the next one.
func tagLines(references []string) []string {
	var lines []string
	current := ""
	for _, reference := range references {
		repository, tag := cutTag(reference)
		if repository != current {
			current = repository
			lines = append(lines, repository+": "+tag)
			continue
		}
		last := &lines[len(lines)-1]
		*last += ","
		if len(*last)+len(" ")+len(tag)+len(",") > maxLine-len("  ") {
			lines = append(lines, "  "+tag)
			continue
		}
		*last += " " + tag
	}
	return lines
}

// cutTag cuts a reference in two before its tag.
func cutTag(reference string) (repository, tag string) {
	at := strings.LastIndexByte(reference, ':')
	return reference[:at], reference[at+1:]
}
