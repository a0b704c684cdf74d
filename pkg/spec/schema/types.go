package schema

// A Type is what the value of a key may be. It is one of String, Mode, Boolean, Count, Duration, Version, List, Map, OneOf and *Object.
type Type interface{ isType() }

// A String is a string of a form.
type String struct {
	Form Form
	// Scope says which variables may be used in it.
	Scope Scope
	// Multiline says that people write it in several lines.
	Multiline bool
}

// A Scope says which variables may be used in a string.
type Scope int

// The scopes.
const (
	// Never: the string is for people, or has to be known before there are variables.
	Never Scope = iota
	// AtBuild: ${{ name }} is put in, and ${NAME} is a mistake.
	AtBuild
	// AtStart: ${{ name }} is put in, and ${NAME} is what the container's environment says.
	AtStart
	// Verbatim: ${{ name }} is put in, and ${NAME} is text like any other.
	Verbatim
	// InImage: ${{ name }} is put in, and ${NAME} is what the image's own environment says.
	InImage
)

// A Mode is octal digits: a string, or what YAML takes for a number.
type Mode struct{ Form Form }

// Boolean is true or false.
type Boolean struct{}

// Count is a number from 1 up.
type Count struct{}

// Duration is a span of time in Go's notation, longer than nothing.
// https://pkg.go.dev/time#ParseDuration
type Duration struct{}

// Version is the number of the language's version, which is 1.
type Version struct{}

// A List is a list.
type List struct {
	Items Type
	// NonEmpty says that it has to have an item.
	NonEmpty bool
	// Command says that the first item is a program, which is not empty.
	Command bool
}

// A Map is a mapping whose keys are names that the spec gives.
type Map struct {
	Names Form
	// Reserved are names of that form that are none.
	Reserved []string
	Values   Type
	// NonEmpty says that it has to have a key.
	NonEmpty bool
	// Key is what the reference calls a name.
	Key string
}

// OneOf is a value of one of several types, which a reader tells apart by their kind.
type OneOf []Type

// An Object is a mapping with known keys.
type Object struct {
	// Name is unique; the reference and the schema call the object by it.
	Name        string
	Description string
	Keys        []Key
	// Nullable says that the value may be null instead of a mapping.
	Nullable bool
	// Rules are what has to be true of the keys together.
	Rules []Rule
}

// A Key is one key of an object.
type Key struct {
	Name string
	// Description is in Markdown.
	Description string
	Type        Type
	Required    bool
	// Default is the value of a key that is left out, in YAML; empty, if there is none.
	Default string
	// Example is a value, in YAML.
	Example string
}

func (String) isType()   {}
func (Mode) isType()     {}
func (Boolean) isType()  {}
func (Count) isType()    {}
func (Duration) isType() {}
func (Version) isType()  {}
func (List) isType()     {}
func (Map) isType()      {}
func (OneOf) isType()    {}
func (*Object) isType()  {}

// A Rule is what has to be true of the keys of an object together.
type Rule struct {
	// Kind says how many of the conditions have to be true.
	Kind RuleKind
	// If, when it is not the zero value, is the condition under which the rule applies.
	If Condition
	// Conditions are what the rule counts.
	Conditions []Condition
	// Description is the rule in words, in Markdown.
	Description string
}

// A RuleKind says how many of a rule's conditions have to be true.
type RuleKind int

// The kinds of rules.
const (
	ExactlyOne RuleKind = iota
	AtLeastOne
	None
)

// A Condition is a statement about a key's value that is true or false.
type Condition struct {
	Key string
	Is  Is
}

// Is is what a condition asks of a key: one of these, or a word that its value is, and not by a variable. See isWord.
type Is string

// What a condition asks of a key.
const (
	Set      Is = "set"       // it is there, whatever its value
	NonEmpty Is = "not empty" // its value is neither an empty string, an empty list nor an empty mapping
	True     Is = "true"      // its value is true
	False    Is = "false"     // its value is false
)

// isWord asks whether the value of a key is a word.
func isWord(word string) Is { return Is(wordMark + word) }

// wordMark tells words apart from the rest.
const wordMark = "="

// Objects returns an object and those below it, each once, in the order in which they are described.
func Objects(root *Object) []*Object { return objects(root, true) }

// mergeable returns an object and those below it that a file on top of another can give a part of: those that are in no list.
func mergeable(root *Object) []*Object { return objects(root, false) }

func objects(root *Object, lists bool) []*Object {
	var out []*Object
	seen := map[string]bool{}
	var visit func(Type)
	visit = func(t Type) {
		switch t := t.(type) {
		case *Object:
			if seen[t.Name] {
				return
			}
			seen[t.Name] = true
			out = append(out, t)
			for _, k := range t.Keys {
				visit(k.Type)
			}
		case List:
			if lists {
				visit(t.Items)
			}
		case Map:
			visit(t.Values)
		case OneOf:
			for _, one := range t {
				visit(one)
			}
		}
	}
	visit(root)
	return out
}
