package schema

// Patterns of strings as wholes, for what variables mean in them. They read as: characters that are no dollar, dollars without a brace behind
// them, an escape ($${), and the variables that may stand there.
const (
	character = `[^$\x00-\x08\x0b\x0c\x0e-\x1f\x7f]`
	dollars   = `\$+[^${\x00-\x08\x0b\x0c\x0e-\x1f\x7f]`
	escape    = `\$\$+\{`
	ofSpec    = `\$\{\{[ \t]*(?:[A-Za-z_][A-Za-z0-9_]*|target\.(?:os|arch|variant)|git\.(?:branch|date|dirty|revision|tag))[ \t]*\}\}`
	ofStart   = `\$\{[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*\}`

	// anything is what may be in a file at all: package spec refuses other control characters.
	anything = `^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$`
	atBuild  = `^(?:` + character + `|` + dollars + `|` + escape + `|` + ofSpec + `)*\$*$`
	atStart  = `^(?:` + character + `|` + dollars + `|` + escape + `|` + ofSpec + `|` + ofStart + `)*\$*$`

	// Where ${ is text like any other, any number of them may stand before something else, and only ${{ means something.
	opened   = `(?:\$+\{)`
	verbatim = `^(?:` + character + `|` + opened + `*` + dollars + `|` + opened + `+[^${\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|` +
		opened + `*\$\$+\{\{|` + opened + `*` + ofSpec + `)*` + opened + `*\$*$`

	// hasVariable finds a variable of the spec, whose value the schema cannot know.
	hasVariable = `(?:^|[^$])\$\{\{`
)

// scopes are the definitions of strings that may be anything, as far as the variables in them allow.
var scopes = map[Scope]struct{ name, pattern, message string }{
	Never:    {"string", anything, "a control character is not allowed"},
	AtBuild:  {"buildString", atBuild, "${{ name }} is a variable of the spec; ${NAME} is not known yet when an image is built, and $${ stands for the characters ${"},
	AtStart:  {"startString", atStart, "${{ name }} is a variable of the spec and ${NAME} one of the environment; $${ stands for the characters ${"},
	InImage:  {"imageString", atStart, "${{ name }} is a variable of the spec and ${NAME} one that the image has; $${ stands for the characters ${"},
	Verbatim: {"verbatimString", verbatim, "${{ name }} is a variable of the spec; $${{ stands for the characters ${{"},
}

// text defines the strings of a form and returns the name of the definition.
func (b *builder) text(form Form, scope Scope) string {
	base := scopes[scope]
	if !b.strings[base.name] {
		b.strings[base.name] = true
		b.forms = append(b.forms, property{base.name, &document{Type: "string", Pattern: base.pattern, PatternErrorMessage: base.message}})
	}
	if form.Pattern == "" {
		return base.name
	}
	if b.strings[form.Name] {
		return form.Name
	}
	b.strings[form.Name] = true
	pattern := whole(form)
	if scope != Never {
		pattern += "|" + hasVariable
	}
	b.forms = append(b.forms, property{form.Name, &document{
		Ref: reference(base.name), Pattern: pattern, PatternErrorMessage: "it has to be " + plain(form.Description),
	}})
	return form.Name
}

// duration defines spans of time: numbers with units, of which one is not 0.
func (b *builder) duration() string {
	const (
		name    = "duration"
		number  = `(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)`
		pattern = `^\+?(?:` + number + `(?:ns|us|µs|μs|ms|s|m|h))+$`
	)
	if !b.strings[name] {
		b.strings[name] = true
		message := "it has to be a span of time, such as 5s or 1m30s"
		b.forms = append(b.forms, property{name, &document{
			Type: "string", Pattern: pattern, PatternErrorMessage: message,
			AllOf: []*document{{Pattern: "[1-9]", PatternErrorMessage: message}},
		}})
	}
	return name
}

func whole(form Form) string { return "^(?:" + form.Pattern + ")$" }
