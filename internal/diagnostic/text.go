package diagnostic

import (
	"fmt"
	"io"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A Style says how a person's screen shows things.
type Style struct {
	// Color switches colours on.
	Color bool
	// Width is how many columns a line of a spec may take; 0 means DefaultWidth.
	Width int
}

// DefaultWidth is the width of what is not known to be a terminal.
const DefaultWidth = 120

const (
	// maxShown bounds how many mistakes are shown: a file with more usually has one mistake many times.
	maxShown = 20
	// maxLines bounds how many lines of a failed step are shown.
	maxLines = 8
	// minWidth leaves room for a character and what is left out on both sides, however narrow the screen is.
	minWidth = 20
)

// Colours, as ECMA-48 has them in "select graphic rendition".
// https://ecma-international.org/publications-and-standards/standards/ecma-48/
const (
	bold   = "1"
	red    = "1;31"
	cyan   = "36"
	dim    = "2"
	escape = "\x1b["
)

// Text writes diagnostics for a person, in the order in which they come, and how many mistakes there are.
func Text(w io.Writer, list []Diagnostic, sources Sources, style Style) error {
	if style.Width == 0 {
		style.Width = DefaultWidth
	}
	p := printer{style: style, reader: newReader(sources)}
	for i, d := range list {
		if i == maxShown {
			fmt.Fprintf(&p.out, "and %d more\n", len(list)-maxShown)
			break
		}
		p.diagnostic(d)
	}
	p.summary(list)
	_, err := io.WriteString(w, p.out.String())
	return err
}

// A printer writes for a person.
type printer struct {
	out    strings.Builder
	style  Style
	reader *reader
}

func (p *printer) paint(color, s string) string {
	if !p.style.Color || s == "" {
		return s
	}
	return escape + color + "m" + s + escape + "m"
}

func (p *printer) diagnostic(d Diagnostic) {
	if d.hasPlace() {
		place := fmt.Sprintf("%s:%s:", plain(d.File), d.At.Start)
		fmt.Fprintf(&p.out, "%s %s\n", p.paint(bold, place), plain(d.Message))
		p.lines(d)
	} else {
		fmt.Fprintln(&p.out, plainLines(d.Message))
	}
	if len(d.Output) > 0 && !d.OutputShown {
		fmt.Fprintln(&p.out, "  the command's last words:")
		for _, line := range d.Output {
			fmt.Fprintf(&p.out, "  | %s\n", plain(line))
		}
	}
	if d.Hint != "" {
		fmt.Fprintf(&p.out, "  %s %s\n", p.paint(cyan, "hint:"), plain(d.Hint))
	}
	if d.Deeper != "" {
		fmt.Fprintf(&p.out, "  %s %s\n", p.paint(cyan, "to look deeper:"), plainLines(d.Deeper))
	}
}

// lines shows the line of a mistake, or those of a failed step. When it is one line, a caret points at the place.
func (p *printer) lines(d Diagnostic) {
	lines := p.reader.lines(d.File)
	first, last := d.At.Start.Line, d.At.Start.Line
	if d.Kind == Failure {
		last = min(max(d.At.End.Line, first), len(lines), first+maxLines-1)
	}
	digits := len(fmt.Sprint(last))
	limit := max(p.style.Width-digits-len("   | "), minWidth)
	for number := first; number <= last; number++ {
		line, ok := lines.line(number)
		if !ok {
			return
		}
		from, to := 0, 0
		if first == last {
			from, to = p.place(lines, d.At, len(line))
		}
		shown, from, to := window(cells(line), from, to, limit)
		p.gutter(fmt.Sprintf("%*d", digits, number), strings.TrimRight(textOf(shown), " "))
		if first == last {
			indent := strings.Repeat(" ", columns(shown[:from]))
			tildes := strings.Repeat("~", max(columns(shown[from:to])-1, 0))
			p.gutter(strings.Repeat(" ", digits), indent+p.paint(red, "^"+tildes))
		}
	}
}

// place returns the offsets in a line of so many characters between which a caret points. What is past the end is at the end.
func (p *printer) place(lines text, at spec.Range, characters int) (from, to int) {
	from = min(max(at.Start.Column-1, 0), characters)
	return from, min(max(lines.end(at)-1, from), characters)
}

func (p *printer) gutter(number, line string) {
	bar := strings.TrimRight(fmt.Sprintf("  %s | ", number), " ")
	if line != "" {
		line = " " + line
	}
	fmt.Fprintf(&p.out, "%s%s\n", p.paint(dim, bar), line)
}

// summary counts the mistakes.
func (p *printer) summary(list []Diagnostic) {
	mistakes, files, where := 0, map[string]bool{}, ""
	for _, d := range list {
		if d.Kind == Mistake {
			mistakes++
			files[d.File], where = true, plain(d.File)
		}
	}
	if mistakes == 0 {
		return
	}
	if len(files) > 1 {
		where = count(len(files), "file")
	}
	fmt.Fprintf(&p.out, "%s in %s\n", count(mistakes, "mistake"), where)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
