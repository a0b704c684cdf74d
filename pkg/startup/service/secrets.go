package service

import (
	"slices"
	"strings"
	"unicode"
)

// Words of a server are shown in three steps, in this order: they are made fit for one line, the secrets in them are hidden, and they are
// cut. In another order, a secret would no longer be found.

// said is what a server said, as it came.
type said struct {
	text string
	cut  bool // there was more of it
}

// beginningOf is what a server said of which a tap has seen the beginning.
func beginningOf(seen []byte) said { return said{string(seen), len(seen) >= beginning} }

// hidden is shown in place of a secret.
const hidden = "***"

// withSecrets returns secrets and more of them, as they are and as they look in what is fit for one line; the longest ones first, because
// one may be a part of another.
func withSecrets(secrets []string, more ...string) []string {
	out := slices.Clone(secrets)
	for _, s := range more {
		out = append(out, s, oneLine(s))
	}
	slices.SortFunc(out, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// hide takes secrets out of a text: a server may well repeat what it was told.
func (s Service) hide(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

// hideCut takes out of the end of a text the beginning of a secret, of which the rest was cut off.
func (s Service) hideCut(text string) string {
	text = strings.TrimRight(text, "\uFFFD") // a part of a character
	longest := 0
	for _, secret := range s.secrets {
		for n := min(len(secret), len(text)); n > longest; n-- {
			if strings.HasSuffix(text, secret[:n]) {
				longest = n
			}
		}
	}
	if longest == 0 {
		return text
	}
	return text[:len(text)-longest] + hidden
}

// oneLine makes words fit for one line.
func oneLine(words string) string {
	printable := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, words)
	return strings.Join(strings.Fields(printable), " ")
}

// clean returns the words of a server in one line, without secrets.
func (s Service) clean(words said) string {
	text := s.hide(oneLine(words.text))
	if words.cut {
		text = s.hideCut(text)
	}
	return text
}

// quote returns the words of a server as messages show them.
func (s Service) quote(words said) string {
	text := s.clean(words)
	if runes := []rune(text); len(runes) > 160 {
		text = string(runes[:160]) + "..."
	}
	return `"` + text + `"`
}
