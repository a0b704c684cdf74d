package ignore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/patternmatcher"

	"github.com/pulpimg/pulpimg/internal/ignore"
)

func TestPatterns(t *testing.T) {
	paths := []string{"a", "a/b", "a/b/c", "a.go", "a_test.go", "d/a_test.go", ".git", ".git/config", "d/.git"}
	for _, test := range []struct {
		name     string
		patterns []string
		want     []string // what is left
	}{
		{"none", nil, paths},
		{"a name at the top", []string{".git"}, []string{"a", "a/b", "a/b/c", "a.go", "a_test.go", "d/a_test.go", "d/.git"}},
		{"a name anywhere", []string{"**/*_test.go", "**/.git"}, []string{"a", "a/b", "a/b/c", "a.go"}},
		{"an exception", []string{"a", "!a/b", "*.go"}, []string{"a/b", "a/b/c", "d/a_test.go", ".git", ".git/config", "d/.git"}},
		{"an exception that comes too early", []string{"!a/b", "a"}, []string{"a.go", "a_test.go", "d/a_test.go", ".git", ".git/config", "d/.git"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			patterns, err := ignore.New(test.patterns)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range paths {
				v, err := patterns.DecidePath(p)
				if err != nil {
					t.Fatal(err)
				}
				if !v.Ignored {
					got = append(got, p)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
		})
	}
}

// A decision that was handed down is the one about the whole path, and no exception is missed where none is expected.
func TestPatterns_handedDown(t *testing.T) {
	all := []string{"a", "b*", "!a/b", "**/c", "!**/d/c", "a/?/x", `\[`}
	for _, list := range [][]string{all, all[:2], all[2:], {"*", "!a/b/c"}} {
		patterns, err := ignore.New(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range [][]string{{"a", "b", "c"}, {"a", "b", "x"}, {"b1", "d", "c"}, {"z", "d", "c"}, {"[", "c"}, {"z", "c", "q"}} {
			var above ignore.Decision
			closed := false // nothing below a directory is to be looked at
			for i := range path {
				name := strings.Join(path[:i+1], "/")
				if i > 0 {
					closed = closed || above.Ignored && !patterns.MayExcept(strings.Join(path[:i], "/"))
				}
				handed, err := patterns.Decide(name, above)
				if err != nil {
					t.Fatal(err)
				}
				whole, err := patterns.DecidePath(name)
				if err != nil || whole.Ignored != handed.Ignored || closed && !whole.Ignored {
					t.Errorf("%q of %q: handed down %t, whole %t, closed %t, %v", name, list, handed.Ignored, whole.Ignored, closed, err)
				}
				above = handed
			}
		}
	}
}

func TestNew_errors(t *testing.T) {
	for _, bad := range []string{"[", "a[b", "!", "a**[", "[]a]"} {
		_, err := ignore.New([]string{"a", bad, "b"})
		if named := new(ignore.PatternError); !errors.As(err, &named) || named.Pattern != bad {
			t.Errorf("%q: error %v", bad, err)
		}
	}
	_, err := ignore.New([]string{"["})
	if _, want := patternmatcher.New([]string{"["}); !errors.Is(err, want) {
		t.Errorf("error %v, want one that wraps %v", err, want)
	}
}
