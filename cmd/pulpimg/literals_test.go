package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// otherPrograms are the files of libraries whose strings have flags of other programs with the names of ours.
var otherPrograms = map[string]struct {
	flags  []string
	reason string
}{
	"internal/packages/apt.go":          {[]string{"--yes"}, "it is a flag of apt-get"},
	"pkg/render/container/command.go":   {[]string{"--hostname", "--name", "--network", "--restart"}, "they are flags of docker run and podman run"},
	"pkg/render/dockerfile/commands.go": {[]string{"--network"}, "it is a flag of RUN"},
	"pkg/startup/settings/augtool.go":   {[]string{"--file"}, "it is a flag of augtool"},
}

// describesLanguage is the package whose strings are the reference of the language, which names flags as a manual does.
const describesLanguage = "pkg/spec/schema"

// Libraries return errors with facts. What a user can type is for this package to say.
func TestLibraries_nameNoFlagOrCommand(t *testing.T) {
	names := commandLine(newRoot(console{io.Discard, io.Discard}))
	unused := maps.Clone(otherPrograms)
	librarySources(t, func(name string, at token.Position, text string) {
		for _, found := range names.in(text) {
			if slices.Contains(otherPrograms[name].flags, found) {
				delete(unused, name)
				continue
			}
			t.Errorf("%s: %q is of the command line, and libraries know nothing of that: return an error with facts, and say what to do in remedy.go", at, found)
		}
	})
	for name := range unused {
		t.Errorf("%s is an exception and needs none", name)
	}
}

// isModule reports whether a directory of the repository is a module of its own, and so no library of this one.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join("../..", dir, "go.mod"))
	return err == nil
}

// librarySources calls a function with each string in the code of the libraries, and the file that it is in.
func librarySources(t *testing.T, use func(name string, at token.Position, text string)) {
	t.Helper()
	for _, tree := range []string{"pkg", "internal"} {
		err := fs.WalkDir(os.DirFS("../.."), tree, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (name == describesLanguage || entry.Name() == "testdata" || isModule(name)):
				return fs.SkipDir
			case entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
				return nil
			}
			positions := token.NewFileSet()
			file, err := parser.ParseFile(positions, filepath.Join("../..", name), nil, 0)
			if err != nil {
				return err
			}
			for literal, text := range literals(file) {
				use(name, positions.Position(literal.Pos()), text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// literals yields the strings of a file.
func literals(file *ast.File) iter.Seq2[*ast.BasicLit, string] {
	return func(yield func(*ast.BasicLit, string) bool) {
		for node := range ast.Preorder(file) {
			literal, ok := node.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				continue
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && !yield(literal, text) {
				return
			}
		}
	}
}

// typed are the words of the command line, as users type them: "--set", "pulpimg build".
type typed map[string]bool

func commandLine(root *cobra.Command) typed {
	words := typed{}
	var add func(cmd *cobra.Command)
	add = func(cmd *cobra.Command) {
		if cmd != root {
			words["pulpimg "+strings.Fields(cmd.CommandPath())[1]] = true
		}
		flag := func(f *pflag.Flag) { words["--"+f.Name] = true }
		cmd.Flags().VisitAll(flag)
		cmd.PersistentFlags().VisitAll(flag)
		for _, below := range cmd.Commands() {
			add(below)
		}
	}
	add(root)
	return words
}

var candidates = regexp.MustCompile(`--[a-z][a-z0-9-]*|\bpulpimg [a-z]+`)

// in returns the words that a text has.
func (words typed) in(text string) []string {
	return slices.DeleteFunc(candidates.FindAllString(text, -1), func(word string) bool { return !words[word] })
}

func TestCommandLine_isFoundInTexts(t *testing.T) {
	names := commandLine(newRoot(console{io.Discard, io.Discard}))
	for text, want := range map[string][]string{
		"give it with --set NAME=VALUE":                   {"--set"},
		"--engine, or --output=FILE":                      {"--engine", "--output"},
		"free some with `pulpimg engine prune`":           {"pulpimg engine"},
		"pulpimg runs as root, and pulpimg engines do":    {},
		"apt-get --no-install-recommends install pulpimg": {},
		"--settle": {},
	} {
		if got := names.in(text); !slices.Equal(got, want) {
			t.Errorf("%q has %q, want %q", text, got, want)
		}
	}
}
