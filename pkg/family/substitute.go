package family

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A reach says what ${NAME} means in a string of the spec. ${{ name }} means the same everywhere.
type reach int

const (
	atBuild  reach = iota // nothing is known of containers yet: a mistake
	atStart               // a variable of the environment, which stays as it is
	inImage               // a variable of the environment that the image has so far, which stays as it is
	verbatim              // text like any other: shell scripts and repository files have such words of their own
)

// A substituter puts the values of variables into strings.
type substituter struct {
	report *spec.Report
	values map[string]*string // of the spec's variables; nil for one without a value, of which there is a complaint
	env    map[string]bool    // the names of the environment
}

// text returns a string with its variables put in. At the start of a container and in the environment of an image, ${NAME} is left in it
// and $${ stands for the characters ${; otherwise, these characters stand for themselves.
func (s substituter) text(t spec.Text, reach reach) string {
	value, _ := s.known(t, reach)
	return value
}

// known does the same, and says whether all of the string is known. If not, there is a complaint about that, and to complain about the
// rest would only confuse.
func (s substituter) known(t spec.Text, reach reach) (value string, ok bool) {
	var b strings.Builder
	ok = true
	for _, p := range pieces(t.Value, reach) {
		text, known := s.piece(t, p, reach)
		b.WriteString(text)
		ok = ok && known
	}
	value = b.String()
	if (reach == atStart || reach == inImage) && ok && !slices.Equal(startVariables(value), startVariables(t.Value)) {
		s.report.Add(t.At, "", "with its variables put in, this is %q: a $ of one of them makes something else of what follows it", value)
	}
	return value, ok
}

func (s substituter) texts(list []spec.Text, reach reach) []string {
	var out []string
	for _, t := range list {
		out = append(out, s.text(t, reach))
	}
	return out
}

func (s substituter) piece(t spec.Text, p piece, reach reach) (text string, known bool) {
	at := t.Position(p.offset)
	switch p.kind {
	case plain:
		return p.text, true
	case escape:
		if reach == atStart || reach == inImage {
			return p.text, true
		}
		return p.text[1:], true
	case ofSpec:
		value, ok := s.values[p.name]
		switch {
		case !ok:
			s.report.AddAt(at, spec.DidYouMean(p.name, slices.Collect(maps.Keys(s.values))), "the variable %q is not declared under variables", p.name)
			return "", false
		case value == nil:
			return "", false
		case reach == atStart, reach == inImage:
			return strings.ReplaceAll(*value, "${", "$${"), true
		}
		return *value, true
	case endless:
		s.report.AddAt(at, "write $"+p.name+" for the characters themselves", "nothing closes this %s", p.name)
		return p.text, false
	}
	switch {
	case reach == atBuild:
		s.report.AddAt(at, "use a variable of the spec, ${{ name }}, or write $${ for the characters ${ themselves",
			"%s is known when a container starts, not when the image is built", p.text)
	case !variableName.MatchString(p.name):
		s.report.AddAt(at, "defaults go under environment", "only a name goes between ${ and }, not %q", p.name)
	case reach == inImage:
		return p.text, true
	case !s.env[p.name]:
		s.report.AddAt(at, spec.DidYouMean(p.name, slices.Collect(maps.Keys(s.env))), "the variable %q is not declared under environment", p.name)
	default:
		return p.text, true
	}
	return p.text, false
}

// A piece is a part of a string.
type piece struct {
	kind   kind
	text   string // as it is written
	name   string // of a variable; of what is endless, how it begins
	offset int    // where the piece begins, in bytes
}

type kind int

const (
	plain   kind = iota
	escape       // $${, which stands for ${
	ofSpec       // ${{ name }}
	ofStart      // ${NAME}
	endless      // ${{ or ${ that nothing closes
)

// pieces takes a string apart.
func pieces(s string, reach reach) []piece {
	var out []piece
	for offset := 0; offset < len(s); {
		p := firstPiece(s[offset:], reach)
		p.offset = offset
		out = append(out, p)
		offset += len(p.text)
	}
	return out
}

// firstPiece returns the piece that a string begins with.
func firstPiece(s string, reach reach) piece {
	mark := "${"
	if reach == verbatim {
		mark = "${{" // all that means something in such a string
	}
	switch {
	case strings.HasPrefix(s, "$"+mark):
		return piece{kind: escape, text: "$" + mark}
	case strings.HasPrefix(s, "${{"):
		return variable(ofSpec, s, "${{", "}}")
	case strings.HasPrefix(s, mark):
		return variable(ofStart, s, "${", "}")
	}
	end := len(s)
	if next := strings.Index(s[1:], mark); next >= 0 {
		end = next + 1
	}
	if end < len(s) && s[end-1] == '$' {
		end-- // the next piece is an escape
	}
	return piece{text: s[:end]}
}

// variable returns the variable that a string begins with.
func variable(kind kind, s, opening, closing string) piece {
	inside, _, ok := strings.Cut(s[len(opening):], closing)
	if !ok {
		return piece{kind: endless, text: s, name: opening}
	}
	return piece{kind: kind, text: opening + inside + closing, name: strings.TrimSpace(inside)}
}

// specVariables returns the variables of the spec that a string names.
func specVariables(s string) []string { return variablesOf(s, ofSpec) }

// startVariables returns the variables of the environment that a string names.
func startVariables(s string) []string { return variablesOf(s, ofStart) }

func variablesOf(s string, kind kind) []string {
	var out []string
	for _, p := range pieces(s, atStart) {
		if p.kind == kind {
			out = append(out, p.name)
		}
	}
	return out
}
