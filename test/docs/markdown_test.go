package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A block is a fenced block of a Markdown file.
type block struct {
	file string
	line int // of its first line
	lang string
	// args are what follows the language, such as file=NAME.
	args map[string]string
	text string
	// output is what the block that follows directly says that this one prints.
	output string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// markdown are the files whose commands and specs are tried.
func markdown(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documentation: %v", err)
	}
	return append(files, "../../README.md")
}

// blocks returns the fenced blocks of a file.
func blocks(t *testing.T, file string) []block {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	var open *block
	adjacent := false // nothing but empty lines stands between the last block and here
	for i, line := range strings.Split(string(data), "\n") {
		switch fence, isFence := strings.CutPrefix(line, "```"); {
		case isFence && open == nil:
			words := strings.Fields(fence + " -")
			open = &block{file: filepath.Base(file), line: i + 2, lang: words[0], args: map[string]string{}}
			for _, arg := range words[1:] {
				key, value, _ := strings.Cut(arg, "=")
				open.args[key] = value
			}
		case isFence:
			if open.lang == "text" && adjacent && len(out) > 0 {
				out[len(out)-1].output = open.text
			} else {
				out = append(out, *open)
			}
			open, adjacent = nil, true
		case open != nil:
			open.text += line + "\n"
		case strings.TrimSpace(line) != "":
			adjacent = false
		}
	}
	if open != nil {
		t.Errorf("%s: nothing closes this block", open)
	}
	return out
}

// checkOutput reports lines that an output lacks. They have to come in this order, with any others between them; "…" matches anything.
func checkOutput(t *testing.T, b block, output string) {
	t.Helper()
	rest := strings.Split(output, "\n")
	for want := range strings.SplitSeq(strings.TrimSuffix(b.output, "\n"), "\n") {
		found := false
		for !found && len(rest) > 0 {
			found = matches(want, rest[0])
			rest = rest[1:]
		}
		if !found {
			t.Errorf("%s: it does not print %q (in this place), but:\n%s", b, want, output)
			return
		}
	}
}

// matches reports whether a line is as it was written, with anything in place of each "…".
func matches(pattern, line string) bool {
	parts := strings.Split(pattern, "…")
	if !strings.HasPrefix(line, parts[0]) {
		return false
	}
	line = line[len(parts[0]):]
	for i, part := range parts[1:] {
		at := strings.Index(line, part)
		if last := i == len(parts)-2; last {
			at = len(line) - len(part)
			if !strings.HasSuffix(line, part) {
				return false
			}
		}
		if at < 0 {
			return false
		}
		line = line[at+len(part):]
	}
	return line == ""
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, line string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a…", "ab", true}, {"…b", "ab", true}, {"a…c", "abc", true}, {"a…c", "ab", false},
		{"a…b…c", "axbxc", true}, {"a…b…c", "axcxc", false}, {"…", "", true}, {"…a…", "bab", true}, {"…a", "aba", true},
	} {
		if got := matches(test.pattern, test.line); got != test.want {
			t.Errorf("matches(%q, %q) = %v", test.pattern, test.line, got)
		}
	}
}
