package contract

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Hidden is shown in place of a secret.
const Hidden = "***"

// A Value is a text after its variables were replaced by their values.
type Value struct {
	// Text is the value.
	Text string
	// Shown is the value as messages may show it: with "***" for the values of secret variables.
	Shown string
	// Variables are the names of the variables that were put in, those of defaults included, in the order in which they came.
	Variables []string
}

// A MissingError reports that a variable has no value.
type MissingError struct{ Variable string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not set: give it with -e %s=VALUE", e.Variable, e.Variable)
}

// An Environment looks up the variables of a contract.
type Environment struct {
	getenv    func(string) string
	variables map[string]Variable
}

// NewEnvironment returns the environment of a contract; getenv returns the value of a variable, or nothing.
func NewEnvironment(c Contract, getenv func(string) string) Environment {
	e := Environment{getenv: getenv, variables: map[string]Variable{}}
	for _, v := range c.Environment {
		e.variables[v.Name] = v
	}
	return e
}

// Expand puts the values of variables into a text. A variable that is empty counts as not set, as in the start script; one that is not
// set has its default, and without one the error is a MissingError. An IPv6 address gets brackets at the place of a host: in a
// URL, and before a colon.
func (e Environment) Expand(text string) (Value, error) { return e.expand(text, nil) }

// ExpandURL is Expand for a URL. A value before the URL's @ is one user name or one password, so its special characters are
// percent-encoded. Values elsewhere are not changed: they may be several hosts, or a whole URL.
func (e Environment) ExpandURL(text string) (Value, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return e.Expand(text)
	}
	authority, _ := cutAuthority(rest)
	at := strings.LastIndexByte(authority, '@') + 1
	var out Value
	for _, part := range []struct {
		before, text, after string
		encode              func(string) string
	}{{"", scheme + "://", rest, nil}, {scheme + "://", rest[:at], rest[at:], encodeUser}, {scheme + "://" + rest[:at], rest[at:], "", nil}} {
		value, err := e.expandPart(part.before, part.text, part.after, nil, part.encode)
		if err != nil {
			return Value{}, err
		}
		out.Text += value.Text
		out.Shown += value.Shown
		out.Variables = append(out.Variables, value.Variables...)
	}
	return out, nil
}

// encodeUser encodes a part of what names a user in a URL. https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1
func encodeUser(s string) string { return url.User(s).String() }

func (e Environment) expand(text string, above []string) (Value, error) {
	return e.expandPart("", text, "", above, nil)
}

// expandPart expands a text between head and tail, and encodes the values if encode is not nil.
func (e Environment) expandPart(head, text, tail string, above []string, encode func(string) string) (Value, error) {
	var out Value
	seen := head
	add := func(text, shown string) {
		out.Text += text
		out.Shown += shown
	}
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			add(text, text)
			return out, nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			add(escaped+"${", escaped+"${")
			text, seen = after, seen+before+"${"
			continue
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return Value{}, fmt.Errorf("${%s has no }", after)
		}
		value, err := e.lookup(name, above)
		if err != nil {
			return Value{}, err
		}
		add(before, before)
		seen += before
		if encode == nil {
			add(asHost(value.Text, seen, rest+tail), asHost(value.Shown, seen, rest+tail))
		} else {
			add(encode(value.Text), strings.ReplaceAll(encode(value.Shown), encode(Hidden), Hidden))
		}
		out.Variables = append(out.Variables, value.Variables...)
		if len(out.Text) > maxExpanded || len(out.Variables) > maxVariables {
			return Value{}, fmt.Errorf("the value of %s makes a text larger than %d MiB, or gives it more than %d variables", name, maxExpanded>>20, maxVariables)
		}
		text, seen = rest, seen+"${"+name+"}"
	}
}

// Bounds of an expanded text: variables that use each other many times would fill the memory, or take minutes if they are empty.
const (
	maxExpanded  = 1 << 20 // bytes
	maxVariables = 1 << 16
)

func (e Environment) lookup(name string, above []string) (Value, error) {
	if slices.Contains(above, name) {
		return Value{}, fmt.Errorf("the default of %s refers to itself", name)
	}
	variable := e.variables[name]
	value := Value{Text: e.getenv(name)}
	value.Shown = value.Text
	if value.Text == "" {
		if variable.Default == nil {
			return Value{}, &MissingError{Variable: name}
		}
		var err error
		if value, err = e.expand(*variable.Default, append(slices.Clip(above), name)); err != nil {
			return Value{}, err
		}
	}
	if variable.Secret {
		value.Shown = Hidden
	}
	value.Variables = append([]string{name}, value.Variables...)
	return value, nil
}
