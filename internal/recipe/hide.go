package recipe

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A hider takes out of texts what may be a secret.
type hider struct{ redact func(string) string }

// concealed takes the place of a secret.
const concealed = "xxxxx"

// assignment finds what a command line or a script gives a name: TOKEN=value, --password=value.
var assignment = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_.-]*)=("[^"\n]*"|'[^'\n]*'|[^\s"']+)`)
})

// text returns a text without what may be a secret.
func (h hider) text(s string) string {
	s = family.HideCredentials(h.redact(s))
	if !strings.Contains(s, "=") {
		return s // as most are
	}
	return assignment().ReplaceAllStringFunc(s, func(found string) string {
		name, _, _ := strings.Cut(found, "=")
		if family.NamesCredential(name) {
			return name + "=" + concealed
		}
		return found
	})
}

// ofName returns a value that has a name: all of it may be a secret.
func (h hider) ofName(name, value string) string {
	if value != "" && family.NamesCredential(name) {
		return concealed
	}
	return h.text(value)
}

// hidden returns values as they may be shown and kept, and a digest of what they are if that is not all of it.
func (h hider) hidden(values []string, show func(string) string) (shown []string, sum string) {
	whole := sha256.New()
	for _, v := range values {
		shown = append(shown, valid(show(v)))
		_, _ = whole.Write([]byte(strconv.Itoa(len(v)) + ":" + v))
	}
	if !slices.Equal(shown, values) {
		sum = hex.EncodeToString(whole.Sum(nil))
	}
	return shown, sum
}

// valid returns a text that JSON can keep: one that is not UTF-8, in quotes.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strconv.QuoteToASCII(s)
}
