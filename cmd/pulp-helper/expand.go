package main

import (
	"fmt"
	"strings"
)

// An environment gives variables their values: from the process's environment, or from the default that the contract declares.
type environment struct {
	getenv    func(string) string
	variables map[string]variable
}

func newEnvironment(c contract, getenv func(string) string) environment {
	e := environment{getenv: getenv, variables: map[string]variable{}}
	for _, v := range c.Environment {
		e.variables[v.Name] = v
	}
	return e
}

// expand puts the values of variables into a text: ${NAME} is a variable, $${ stands for ${.
func (e environment) expand(text string) (string, error) { return e.expandBelow(text, nil) }

func (e environment) expandBelow(text string, above []string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped + "${")
			text = after
			continue
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", fmt.Errorf("${%s has no }", after)
		}
		value, err := e.value(name, above)
		if err != nil {
			return "", err
		}
		b.WriteString(before + value)
		text = rest
	}
}

// value returns the value of a variable. An empty one counts as not set, as in the start script.
func (e environment) value(name string, above []string) (string, error) {
	if value := e.getenv(name); value != "" {
		return value, nil
	}
	for _, n := range above {
		if n == name {
			return "", fmt.Errorf("the default of %s refers to itself", name)
		}
	}
	if d := e.variables[name].Default; d != nil {
		return e.expandBelow(*d, append(above, name))
	}
	return "", fmt.Errorf("%s is not set: give it with -e %s=VALUE", name, name)
}
