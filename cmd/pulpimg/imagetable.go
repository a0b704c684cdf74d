package main

import (
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/pkg/build"
)

// A column of a table of images.
type column struct {
	header string
	cells  []string
	spare  bool // it is left out where there is no room for it
}

func (c column) width() int {
	widest := utf8.RuneCountInString(c.header)
	for _, cell := range c.cells {
		widest = max(widest, utf8.RuneCountInString(cell))
	}
	return widest
}

// imageTable prints what was built. On a terminal of a width, it leaves out what has no room in a line: the references are below their
// images then. Without one, the width is 0.
func imageTable(w io.Writer, result *build.Result, width int) error {
	several := slices.ContainsFunc(result.Images, func(i build.Image) bool { return len(i.References) > 1 })
	columns, below := imageColumns(result)
	if several {
		columns = columns[:len(columns)-1]
	}
	fitted := fitColumns(columns, width)
	lists := several || len(fitted) < len(columns) && fitted[len(fitted)-1].header != "REFERENCE"
	header := make([]string, len(fitted))
	for i, c := range fitted {
		header[i] = c.header
	}
	table := newTable(w, header...)
	for row := range below {
		cells := make([]string, len(fitted))
		for i, c := range fitted {
			cells[i] = c.cells[row]
		}
		table.row(cells...)
		if lists {
			table.below(tagLines(below[row])...)
		}
	}
	return table.flush()
}

// imageColumns returns the columns of the table, and for each row the references that belong below it.
func imageColumns(result *build.Result) (columns []column, below [][]string) {
	var rows [][]string
	planned := map[string]build.PlannedImage{}
	if result.Plan != nil {
		for _, image := range result.Plan.Images {
			planned[image.Name] = image
		}
	}
	for _, image := range result.Images {
		name, reference := image.Name, image.Reference
		changed, why := string(planned[image.Name].Action), whyBuilt(planned[image.Name])
		if len(image.Platforms) > 1 {
			rows = append(rows, []string{name, "all", short(image.Digest), "", "", "", changed, why, reference})
			below = append(below, nil)
			name, reference, changed, why = "", "", "", ""
		}
		for _, p := range image.Platforms {
			shared := "-"
			if image.Parent != "" {
				shared = fmt.Sprint(p.Shared)
			}
			rows = append(rows, []string{name, p.Platform, short(p.Digest), fmt.Sprint(len(p.Layers)), shared, size(p.Size()), changed, why, reference})
			below = append(below, nil)
		}
		below[len(below)-1] = image.References
	}
	for i, header := range []string{"IMAGE", "PLATFORM", "DIGEST", "LAYERS", "SHARED", "SIZE", "CHANGED", "BECAUSE", "REFERENCE"} {
		c := column{header: header, spare: slices.Contains([]string{"PLATFORM", "LAYERS", "SHARED", "SIZE", "REFERENCE"}, header)}
		for _, row := range rows {
			c.cells = append(c.cells, row[i])
		}
		if (header == "CHANGED" || header == "BECAUSE") && !slices.ContainsFunc(c.cells, func(s string) bool { return s != "" }) {
			continue
		}
		columns = append(columns, c)
	}
	return columns, below
}

// whyBuilt says why something was done with an image, or how old what it has from the network is.
func whyBuilt(image build.PlannedImage) string {
	if len(image.Reasons) > 0 {
		return andMore(diagnostic.Visible(image.Reasons[0].Text), len(image.Reasons)-1)
	}
	if image.Run+image.MayRun == 0 {
		return commandsOf(image)
	}
	return ""
}

// minBecause is how much room the reasons get before other columns are left out for them.
const minBecause = 24

// fitColumns leaves out columns, from the right, until the table fits into a width, and shortens the reasons.
func fitColumns(columns []column, width int) []column {
	if width <= 0 {
		return columns
	}
	columns = slices.Clone(columns)
	because := func() int { return slices.IndexFunc(columns, func(c column) bool { return c.header == "BECAUSE" }) }
	room := func() int {
		left := width + len("  ")
		for i, c := range columns {
			if left -= len("  "); i != because() {
				left -= c.width()
			}
		}
		return left
	}
	want := 0
	if at := because(); at >= 0 {
		want = min(columns[at].width(), minBecause)
	}
	for _, name := range []string{"REFERENCE", "SHARED", "PLATFORM", "LAYERS", "SIZE"} {
		if room() >= want {
			break
		}
		columns = slices.DeleteFunc(columns, func(c column) bool { return c.spare && c.header == name })
	}
	if at := because(); at >= 0 {
		cells := make([]string, len(columns[at].cells))
		for i, cell := range columns[at].cells {
			cells[i] = shortened(cell, max(room(), minReason))
		}
		columns[at].cells = cells
	}
	return columns
}
