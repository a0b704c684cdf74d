//go:build linux

package command

import (
	"strings"
	"testing"
	"unicode"

	"github.com/pulpimg/pulpimg/pkg/startup/service"
)

// FuzzShown looks for an output that is shown with a secret in it, or with what a terminal obeys, or too much of it.
func FuzzShown(f *testing.F) {
	f.Add("a\nsecret\r\n  b\x1b[31m", "secret", false)
	f.Add(strings.Repeat("x", 2*shownBytes), "xxy", true)
	f.Add(strings.Repeat("secret\n", 100), "secret", true)
	f.Fuzz(func(t *testing.T, text, secret string, cut bool) {
		got := shown(text, cut, service.Hider(secret))
		if lines := strings.Count(got, "\n"); len(got) > shownBytes+len("...\n") || lines > shownLines {
			t.Errorf("%d bytes, %d lines", len(got), lines)
		}
		if i := strings.IndexFunc(got, func(c rune) bool { return c != '\n' && !unicode.IsPrint(c) }); i >= 0 {
			t.Errorf("%q has %q", got, got[i:])
		}
		// What stands for a secret, or for more lines, may look like another one.
		if secret != "" && !strings.ContainsAny(secret, "*.\n \ufffd") && strings.Contains(got, secret) {
			t.Errorf("%q has %q", got, secret)
		}
	})
}
