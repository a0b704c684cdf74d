package shell_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/shell"
)

// A shell reads quoted words as they are.
func TestQuote_readByAShell(t *testing.T) {
	words := []string{"plain", "", "two words", "it's", `"`, "$HOME", "`id`", "$(id)", `\`, "a\nb", "*", "~", "#", ";", "ü", "-n", "--a=b,c:d@e%f+g./_"}
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", `printf '%s\0' `+shell.Words(words)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out), strings.Join(words, "\x00")+"\x00"; got != want {
		t.Errorf("the shell read %q, want %q", got, want)
	}
}

// Plain words stay readable.
func TestQuote_plainWords(t *testing.T) {
	for _, word := range []string{"pulp-server", "a=b", "/usr/bin/x", "1.0+dev", "user@host", "50%"} {
		if got := shell.Quote(word); got != word {
			t.Errorf("Quote(%q) = %q", word, got)
		}
	}
}
