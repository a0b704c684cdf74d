package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// The columns that a help text takes: those of the terminal, within bounds in which it is easy to read.
const (
	helpColumns = 80 // where there is no terminal
	minColumns  = 40
	maxColumns  = 120
)

// columnsOf returns the columns of a help text that is written to w.
func columnsOf(w io.Writer) int {
	if width := styleOf(w).Width; width > 0 {
		return min(max(width, minColumns), maxColumns)
	}
	return helpColumns
}

// printHelp prints what a command is for and how it is used.
func printHelp(cmd *cobra.Command, _ []string) {
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s\n\n", wrap(strings.TrimSpace(about), columnsOf(w), 0))
	writeUsage(w, cmd, columnsOf(w))
}

// writeUsage writes how a command is used. It has the parts of cobra's own text, which does not wrap.
func writeUsage(w io.Writer, cmd *cobra.Command, columns int) {
	fmt.Fprint(w, "Usage:\n")
	if cmd.Runnable() {
		fmt.Fprintf(w, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  %s [command]\n", cmd.CommandPath())
	}
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprint(w, "\nCommands:\n")
		for _, below := range cmd.Commands() {
			if below.IsAvailableCommand() || below.Name() == "help" {
				name := fmt.Sprintf("  %-*s  ", below.NamePadding(), below.Name())
				fmt.Fprintln(w, name+wrap(below.Short, columns, len(name)))
			}
		}
	}
	if cmd.HasAvailableLocalFlags() {
		fmt.Fprintf(w, "\nFlags:\n%s", cmd.LocalFlags().FlagUsagesWrapped(columns))
	}
	if cmd.HasAvailableInheritedFlags() {
		fmt.Fprintf(w, "\nFlags of %s:\n%s", cmd.Parent().CommandPath(), cmd.InheritedFlags().FlagUsagesWrapped(columns))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n%s\n", wrap(fmt.Sprintf(`Use "%s [command] --help" for more information about a command.`, cmd.CommandPath()), columns, 0))
	}
}

// wrap breaks text into lines of so many columns. All lines but the first are indented; the first begins at the column of the indent. A
// paragraph ends at an empty line; a line that begins with a space stays as it is.
func wrap(text string, columns, indent int) string {
	var out strings.Builder
	at := indent // the column that is reached
	newline := func() {
		out.WriteString("\n" + strings.Repeat(" ", indent))
		at = indent
	}
	fill := false // the line before was one of the same paragraph
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		asIs := strings.IndexFunc(line, unicode.IsSpace) == 0
		if i > 0 && (!fill || len(words) == 0 || asIs) {
			newline()
		}
		if fill = len(words) > 0 && !asIs; !fill {
			out.WriteString(line)
			continue
		}
		for _, word := range words {
			width := utf8.RuneCountInString(word)
			switch {
			case at == indent:
			case at+1+width > columns:
				newline()
			default:
				out.WriteByte(' ')
				at++
			}
			out.WriteString(word)
			at += width
		}
	}
	return out.String()
}
