package family

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A reach says what ${NAME} means in a string of the spec.
type reach int

const (
	atBuild  reach = iota // nothing is known of containers yet: a mistake
	atStart               // a variable of the environment, which stays as it is
	verbatim              // text like any other: shell scripts and repository files have such words of their own
)

// name is what variables are called, in the spec and in the environment.
var nameRE = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// A piece is a part of a string: text, or the name of a variable.
type piece struct {
	text     string
	variable string // ${{ variable }} or ${variable}
	build    bool   // ${{ }}
	offset   int    // where the piece begins
	broken   bool   // it has no end
}

// pieces takes a string apart. "$${" stands for "${".
func pieces(s string) []piece {
	var out []piece
	begin := 0
	flush := func(end int) {
		if end > begin {
			out = append(out, piece{text: s[begin:end], offset: begin})
		}
	}
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "$${"):
			flush(i)
			out = append(out, piece{text: "$${", offset: i})
			i += 3
			begin = i
		case strings.HasPrefix(s[i:], "${{"):
			flush(i)
			length := strings.Index(s[i:], "}}")
			if length < 0 {
				return append(out, piece{text: s[i:], offset: i, build: true, broken: true})
			}
			out = append(out, piece{text: s[i : i+length+2], variable: strings.TrimSpace(s[i+3 : i+length]), build: true, offset: i})
			i += length + 2
			begin = i
		case strings.HasPrefix(s[i:], "${"):
			flush(i)
			length := strings.IndexByte(s[i:], '}')
			if length < 0 {
				return append(out, piece{text: s[i:], offset: i, broken: true})
			}
			out = append(out, piece{text: s[i : i+length+1], variable: s[i+2 : i+length], offset: i})
			i += length + 1
			begin = i
		default:
			i++
		}
	}
	flush(len(s))
	return out
}

// A substituter puts the values of variables into strings.
type substituter struct {
	report *spec.Report
	values map[string]string // of the spec's variables
	env    map[string]bool   // the names of the environment
}

// text returns a string with its variables put in.
func (s substituter) text(t spec.Text, reach reach) string {
	var b strings.Builder
	for _, p := range pieces(t.Value) {
		b.WriteString(s.piece(t, p, reach))
	}
	return b.String()
}

func (s substituter) piece(t spec.Text, p piece, reach reach) string {
	at := t.Position(p.offset)
	switch {
	case p.build && p.broken:
		s.report.AddAt(at, "write $${{ for the characters themselves", "${{ has no }}")
	case p.build:
		value, ok := s.values[p.variable]
		if !ok {
			s.report.AddAt(at, spec.DidYouMean(p.variable, slices.Collect(maps.Keys(s.values))), "the variable %q is not declared", p.variable)
		}
		if reach == atStart {
			return strings.ReplaceAll(value, "${", "$${")
		}
		return value
	case p.text == "$${":
		if reach == atStart {
			return p.text // what reads it when a container starts takes it for ${
		}
		return "${"
	case p.variable == "" && !p.broken, reach == verbatim:
	case reach == atBuild:
		s.report.AddAt(at, "use a variable, ${{ name }}, or write $${ for the characters themselves",
			"%s is known when a container starts, not when the image is built", p.text)
	case p.broken:
		s.report.AddAt(at, "write $${ for the characters themselves", "${ has no }")
	case !s.env[p.variable]:
		s.report.AddAt(at, spec.DidYouMean(p.variable, slices.Collect(maps.Keys(s.env))), "the environment variable %q is not declared", p.variable)
	}
	return p.text
}

// texts returns strings with their variables put in.
func (s substituter) texts(list []spec.Text, reach reach) []string {
	var out []string
	for _, t := range list {
		out = append(out, s.text(t, reach))
	}
	return out
}

// references returns the variables that a string names, of the spec or of the environment.
func references(s string, build bool) []string {
	var out []string
	for _, p := range pieces(s) {
		if p.variable != "" && p.build == build {
			out = append(out, p.variable)
		}
	}
	return out
}
