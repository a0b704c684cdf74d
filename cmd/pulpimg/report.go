package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/internal/signals"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A problem is what is to be printed of an error.
type problem struct {
	list    []diagnostic.Diagnostic
	sources diagnostic.Sources
	debug   string // the command that looks deeper, if there is one
	seen    bool   // the user has seen the failure of the build already
}

// problemOf returns what is to be printed of an error.
func problemOf(ctx context.Context, err error) problem {
	p := problem{sources: diagnostic.Sources{}}
	var signalled signals.Error
	if errors.As(context.Cause(ctx), &signalled) {
		err = signalled
	}
	var failed debugError
	if errors.As(err, &failed) {
		p.debug, p.seen, err = failed.command, failed.seen, failed.error
	}
	p.add(err)
	p.hideCredentials()
	return p
}

// hideCredentials takes out the credentials of URLs: both the messages and the lines of the spec go into logs.
func (p *problem) hideCredentials() {
	for i := range p.list {
		d := &p.list[i]
		d.Message, d.Hint, d.Deeper = family.HideCredentials(d.Message), family.HideCredentials(d.Hint), family.HideCredentials(d.Deeper)
		for j, line := range d.Output {
			d.Output[j] = family.HideCredentials(line)
		}
	}
	for file, data := range p.sources {
		if utf8.Valid(data) {
			p.sources[file] = []byte(family.HideCredentials(string(data)))
		}
	}
}

func (p *problem) add(err error) {
	if parts := joined(err); len(parts) > 0 {
		for _, part := range parts {
			p.add(part)
		}
		return
	}
	if mistakes := diagnostic.Mistakes(err); len(mistakes) > 0 {
		for _, m := range mistakes {
			p.list = append(p.list, advise(m, m.Err))
			p.read(m.File)
		}
		return
	}
	var failed *build.Error
	if !errors.As(err, &failed) {
		p.list = append(p.list, advise(diagnostic.Diagnostic{Kind: diagnostic.Other, Message: messageOf(err)}, err))
		return
	}
	p.sources[failed.File] = []byte(failed.Redact(string(failed.Source)))
	p.list = append(p.list, advise(diagnostic.Diagnostic{
		Kind: diagnostic.Failure, File: failed.File, At: failed.At, Message: failed.Summary, Hint: failed.Hint,
		Output: failed.Output, OutputShown: failed.OutputShown, Deeper: p.debug,
	}, failed))
}

// joined returns the errors that errors.Join made one of. The mistakes of one spec stay together.
func joined(err error) []error {
	several, ok := err.(interface{ Unwrap() []error })
	if _, mistakes := err.(spec.Errors); !ok || mistakes {
		return nil
	}
	parts := several.Unwrap()
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part.Error()
	}
	if strings.Join(texts, "\n") != err.Error() {
		return nil // the error has words of its own
	}
	return parts
}

// maxSource bounds what is read of a file to show lines of it. A larger one is no spec.
const maxSource = 1 << 20

// read reads a spec once more: what is wrong with it may be that nothing could be made of it. If it is gone, or was a pipe, its lines are
// not shown.
func (p *problem) read(file string) {
	if _, ok := p.sources[file]; ok {
		return
	}
	p.sources[file] = nil
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return
	}
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	if data, err := io.ReadAll(io.LimitReader(f, maxSource)); err == nil {
		p.sources[file] = data
	}
}

// print prints what went wrong: on standard error for a person and, if a format for machines is asked for, on standard output for them.
func (p problem) print(con console, f format) error {
	if f.name == formatText || !f.machineOnly {
		if err := diagnostic.Text(con.err, p.forPeople(), p.sources, styleOf(con.err)); err != nil {
			return err
		}
	}
	switch {
	case f.told:
	case f.name == formatJSON:
		return printJSON(con.out, map[string]any{"errors": diagnostic.Records(p.list, p.sources)})
	case f.name == formatGitHub:
		return diagnostic.GitHub(con.out, p.list)
	}
	return nil
}

// forPeople returns what they have not seen yet. What has no place says whose it is.
func (p problem) forPeople() []diagnostic.Diagnostic {
	var out []diagnostic.Diagnostic
	for _, d := range p.list {
		if p.seen && d.Kind == diagnostic.Failure {
			continue
		}
		if d.At.Start.Line == 0 {
			d.Message = "pulpimg: " + d.Message
		}
		out = append(out, d)
	}
	return out
}

// styleOf returns how to print for whoever reads from a writer. Colours are for terminals, unless the user wants none.
// https://no-color.org
func styleOf(w io.Writer) diagnostic.Style {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return diagnostic.Style{}
	}
	style := diagnostic.Style{Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		style.Width = width
	}
	return style
}

// formatOf returns the format that a command was asked to print in.
func formatOf(cmd *cobra.Command) format {
	if flag := cmd.Flag("format"); flag != nil {
		if f, ok := valueOf(flag).(*format); ok {
			return *f
		}
	}
	return format{name: formatText}
}
