package service

import (
	"slices"
	"strings"
	"unicode"
)

// A message shows text of a server after three steps, in this order: the text becomes one line, its secrets are hidden, and it is cut. In
// another order, a secret might not be found.

// serverText is text from a server, unchanged. It may hold secrets.
type serverText struct {
	text string
	cut  bool // there was more text
}

// beginningOf returns the text of which a recordingConn has recorded the beginning.
func beginningOf(seen []byte) serverText { return serverText{string(seen), len(seen) >= beginning} }

// hidden is shown in place of a secret.
const hidden = "***"

// withSecrets adds more secrets, each as it is and in the form of oneLine. The longest ones come first, because a secret may be part of
// another one.
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

// hide removes the secrets from a text: a server may repeat what it received.
func (s Service) hide(text string) string { return replace(text, s.secrets) }

// Hider returns a function that hides secrets in a text, each as it is and as one line of printable characters.
func Hider(secrets ...string) func(text string) string {
	all := withSecrets(nil, secrets...)
	return func(text string) string { return replace(text, all) }
}

func replace(text string, secrets []string) string {
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

// hideCut hides a secret at the end of a text, even if the rest of the secret was cut off.
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

// oneLine returns words as one line of printable characters.
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
func (s Service) clean(words serverText) string {
	text := s.hide(oneLine(words.text))
	if words.cut {
		text = s.hideCut(text)
	}
	return text
}

// quote returns the words of a server as messages show them.
func (s Service) quote(words serverText) string {
	text := s.clean(words)
	if runes := []rune(text); len(runes) > 160 {
		text = string(runes[:160]) + "..."
	}
	return `"` + text + `"`
}
