package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// everyCommand calls a function with each command.
func everyCommand(cmd *cobra.Command, each func(*cobra.Command)) {
	each(cmd)
	for _, below := range cmd.Commands() {
		everyCommand(below, each)
	}
}

func TestHelp_fitsTheColumns(t *testing.T) {
	var out bytes.Buffer
	root := newRoot(console{&out, io.Discard})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	commands := 0
	everyCommand(root, func(cmd *cobra.Command) {
		commands++
		out.Reset()
		cmd.InitDefaultHelpFlag()
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			// Commands to copy stay on one line, and those of cobra are as long as they are.
			if utf8.RuneCountInString(line) > helpColumns && !strings.HasPrefix(line, "\t") {
				t.Errorf("%s --help has a line of %d columns:\n%s", cmd.CommandPath(), utf8.RuneCountInString(line), line)
			}
		}
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if !flag.Hidden && !strings.Contains(out.String(), "--"+flag.Name) {
				t.Errorf("%s --help lacks --%s", cmd.CommandPath(), flag.Name)
			}
		})
		for _, below := range cmd.Commands() {
			if below.IsAvailableCommand() && !strings.Contains(out.String(), "\n  "+below.Name()+" ") {
				t.Errorf("%s --help lacks the command %s", cmd.CommandPath(), below.Name())
			}
		}
	})
	if commands < 15 {
		t.Errorf("there are %d commands: some are missing", commands)
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		name, text string
		columns    int
		indent     int
		want       string
	}{
		{"short", "a b", 5, 0, "a b"},
		{"nothing", "", 5, 0, ""},
		{"lines of a paragraph are one", "aa\nbb cc", 5, 0, "aa bb\ncc"},
		{"paragraphs", "aa\n\nbb\ncc", 20, 0, "aa\n\nbb cc"},
		{"code stays", "aa bb:\n  code  of six words\ncc", 5, 0, "aa\nbb:\n  code  of six words\ncc"},
		{"an indent", "aa bb cc", 9, 4, "aa bb\n    cc"},
		{"a long word", "a bbbbbbbb c", 5, 0, "a\nbbbbbbbb\nc"},
		{"characters, not bytes", "ää öö", 5, 0, "ää öö"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := wrap(test.text, test.columns, test.indent); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
