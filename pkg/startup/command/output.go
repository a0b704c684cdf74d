//go:build linux

package command

import (
	"os"
	"strings"
	"time"
	"unicode"
)

// What is kept of an output, and how much of that is shown: its end, where programs say why they failed. More is kept than shown, so that a
// secret of which only a part is kept is not in what is shown.
const (
	keptBytes  = 64 << 10
	shownBytes = 4 << 10
	shownLines = 40
)

// An output is where a program prints to: a pipe, and the end of what came through it.
type output struct {
	reader, writer *os.File

	done    chan struct{} // closed when kept and dropped do not change any more
	kept    []byte
	dropped bool
}

func newOutput() (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{reader: r, writer: w, done: make(chan struct{})}
	go o.read() // until finish
	return o, nil
}

func (o *output) read() {
	defer close(o.done)
	buffer := make([]byte, 8<<10)
	for {
		n, err := o.reader.Read(buffer)
		o.kept = append(o.kept, buffer[:n]...)
		if more := len(o.kept) - keptBytes; more > 0 {
			o.kept, o.dropped = append(o.kept[:0], o.kept[more:]...), true
		}
		if err != nil {
			return
		}
	}
}

// finish returns the end of what the program printed, when nobody is to print any more. A process that left the program's group may have the
// pipe still: it is not waited for.
func (o *output) finish(hide func(string) string) string {
	_ = o.writer.Close()
	_ = o.reader.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	<-o.done
	_ = o.reader.Close()
	return shown(string(o.kept), o.dropped, hide)
}

// shown returns the last lines of a text as messages may show them. If more came before it, the text may begin in the middle of a line.
func shown(text string, cut bool, hide func(string) string) string {
	if hide == nil {
		hide = func(text string) string { return text }
	}
	text = hide(text)
	if _, rest, _ := strings.Cut(text, "\n"); cut && rest != "" {
		text = rest
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = hide(printable(line)); line != "" {
			lines = append(lines, line)
		}
	}
	first, size := len(lines), 0
	for first > 0 && len(lines)-first < shownLines && size+len(lines[first-1]) < shownBytes {
		first--
		size += len(lines[first]) + 1
	}
	switch end := lines[first:]; {
	case len(lines) == 0:
		return ""
	case len(end) == 0: // the last line is too long
		last := lines[len(lines)-1]
		return "..." + strings.ToValidUTF8(last[len(last)-shownBytes:], "")
	case first > 0 || cut:
		return "...\n" + strings.Join(end, "\n")
	}
	return strings.Join(lines, "\n")
}

// printable returns a line without characters that mean something to a terminal. What is at its beginning stays: it may be indented.
func printable(line string) string {
	line = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, line)
	return strings.TrimRight(line, " ")
}
