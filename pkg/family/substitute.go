package family

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// A scope says what ${NAME} means in a string of the spec. ${{ name }} means the same everywhere.
type scope int

const (
	atBuild  scope = iota // nothing is known of containers yet: a mistake
	atStart               // a variable of the environment, which stays as it is
	inImage               // a variable of the environment that the image has so far, which stays as it is
	verbatim              // text like any other: shell scripts and repository files have such words of their own
)

// A substituter puts the values of variables into strings.
type substituter struct {
	report   *spec.Report
	budget   *budget
	values   map[string]*string // of the spec's variables; nil for one without a value
	origins  *origins           // of the given values in strings
	deferred *deferral          // nil if there are no variables that git is asked for
	missing  *missing           // is told of variables without a value; nil while their values are being found
	env      map[string]bool    // the names of the environment
	defaults map[string]int     // the lengths of the environment's defaults
	secret   map[string]bool    // the names of variables that are credentials: only a URL may have them
	target   **spec.Range       // becomes the place of the first string that names the target; nil if nobody asks
}

// text returns a string with its variables put in. At the start of a container and in the environment of an image, ${NAME} is left in it
// and $${ stands for the characters ${; otherwise, these characters stand for themselves.
func (s substituter) text(t spec.Text, scope scope) string {
	value, _ := s.expand(t, scope)
	return value
}

// expand does the same, and reports whether every variable in the string had a value. If not, there is an error about it already, unless
// nobody needs the string, and the caller checks the string no further.
func (s substituter) expand(t spec.Text, scope scope) (value string, ok bool) {
	if s.budget.done() || !s.budget.takeText(t.At, len(t.Value)) {
		return t.Value, false
	}
	if !strings.Contains(t.Value, "$") {
		return t.Value, true
	}
	var b strings.Builder
	ok = true
	for p := range eachPiece(t.Value, scope) {
		if s.report.Full() {
			return t.Value, false
		}
		text, expanded := s.piece(t, p, scope)
		if !s.budget.takeText(t.At, max(len(text)-len(p.text), 0)) {
			return t.Value, false
		}
		b.WriteString(text)
		ok = ok && expanded
	}
	value = b.String()
	if (scope == atStart || scope == inImage) && ok {
		ok = s.atStart(t, value)
	}
	return value, ok
}

// atStart checks a string that a container puts its environment into.
func (s substituter) atStart(t spec.Text, value string) bool {
	if value != t.Value && !slices.Equal(startVariables(value), startVariables(t.Value)) {
		s.report.Add(t.At, "", "with its variables put in, this is %q: a $ in one of their values changes the meaning of the text after it", value)
		return true
	}
	n := length(value, s.defaults)
	if n > len(value) && n > maxAtStart {
		s.report.Add(t.At, "", "with the defaults that it uses, this has more than %d KiB, more than a process can be given", maxAtStart>>10)
		return false
	}
	return s.budget.takeText(t.At, n-len(value))
}

func (s substituter) texts(list []spec.Text, scope scope) []string {
	var out []string
	for _, t := range list {
		out = append(out, s.text(t, scope))
	}
	return out
}

func (s substituter) piece(t spec.Text, p piece, scope scope) (text string, ok bool) {
	switch p.kind {
	case plain:
		return p.text, true
	case ofStart:
		return p.text, s.startVariable(t, p, scope)
	case escape:
		if scope == atStart || scope == inImage {
			return p.text, true
		}
		return p.text[1:], true
	case ofSpec:
		value, ok := s.lookUp(t, p)
		s.origins.use(t, p.name)
		if ok && isOfTarget(p.name) && s.target != nil && *s.target == nil {
			*s.target = &t.At
		}
		switch {
		case !ok && isOfTarget(p.name):
			s.report.AddAt(t.Position(p.offset), "",
				"%s is not known here: below images, the target is target.os, target.arch and target.variant", p.name)
			return "", false
		case !ok && strings.HasPrefix(p.name, gitPrefix):
			s.report.AddAt(t.Position(p.offset), spec.DidYouMean(p.name, schema.GitVariables()), "%s is not known of a git repository", p.name)
			return "", false
		case !ok:
			s.report.AddAt(t.Position(p.offset), spec.DidYouMean(p.name, s.declared()), "the variable %q is not declared under variables", p.name)
			return "", false
		case value == nil:
			if s.missing != nil {
				s.missing.use(p.name)
			}
			return "", false
		case s.secret[p.name]:
			s.report.AddAt(t.Position(p.offset), "a run step gets a secret by its key secrets",
				"the variable %s holds credentials of a URL: here, everybody who has the image could read it", p.name)
			return "", false
		case scope == atStart, scope == inImage:
			return strings.ReplaceAll(*value, "${", "$${"), true
		}
		return *value, true
	case unterminated:
		s.report.AddAt(t.Position(p.offset), "write $"+p.name+" for the characters themselves", "nothing closes this %s", p.name)
		return p.text, false
	}
	return p.text, false
}

// declared returns the names of the variables that the spec declares.
func (s substituter) declared() []string {
	return slices.DeleteFunc(slices.Collect(maps.Keys(s.values)), isOfTarget)
}

// startVariable reports whether a variable of the environment may stand where it does.
func (s substituter) startVariable(t spec.Text, p piece, scope scope) bool {
	if scope == atStart && s.env[p.name] {
		return true
	}
	at := t.Position(p.offset)
	switch {
	case scope == atBuild:
		s.report.AddAt(at, "use a variable of the spec, ${{ name }}, or write $${ for the characters ${ themselves",
			"%s is known when a container starts, not when the image is built", p.text)
	case !variableName.MatchString(p.name):
		s.report.AddAt(at, "defaults go under environment", "only a name goes between ${ and }, not %q", p.name)
	case scope == inImage:
		return true
	default:
		s.report.AddAt(at, spec.DidYouMean(p.name, slices.Collect(maps.Keys(s.env))), "the variable %q is not declared under environment", p.name)
	}
	return false
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
	plain        kind = iota
	escape            // $${, which stands for ${
	ofSpec            // ${{ name }}
	ofStart           // ${NAME}
	unterminated      // ${{ or ${ that nothing closes
)

// pieces takes a string apart.
func pieces(s string, scope scope) []piece { return slices.Collect(eachPiece(s, scope)) }

// eachPiece takes a string apart, one piece after the other.
func eachPiece(s string, scope scope) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		for offset := 0; offset < len(s); {
			p := firstPiece(s[offset:], scope)
			p.offset = offset
			if !yield(p) {
				return
			}
			offset += len(p.text)
		}
	}
}

// firstPiece returns the piece that a string begins with.
func firstPiece(s string, scope scope) piece {
	mark := "${"
	if scope == verbatim {
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
		return piece{kind: unterminated, text: s, name: opening}
	}
	return piece{kind: kind, text: opening + inside + closing, name: strings.TrimSpace(inside)}
}

// VariablesOf returns the variables of the spec that a string of it names, in which ${NAME} is no text like any other.
func VariablesOf(text string) []string { return specVariables(text) }

// specVariables returns the variables of the spec that a string names.
func specVariables(s string) []string { return variablesOf(s, ofSpec) }

// startVariables returns the variables of the environment that a string names.
func startVariables(s string) []string { return variablesOf(s, ofStart) }

func variablesOf(s string, kind kind) []string {
	var out []string
	for p := range eachPiece(s, atStart) {
		if p.kind == kind {
			out = append(out, p.name)
		}
	}
	return out
}
