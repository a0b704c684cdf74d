package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// contractFile is where the image has its family's contract.
const contractFile = "/usr/share/pulpimg/contract.json"

// A contract is what the spec says of containers that start. Package family writes it.
type contract struct {
	Environment []struct {
		Name    string  `json:"name"`
		Default *string `json:"default"`
	} `json:"environment"`
	Settings []settings `json:"settings"`
	Services []service  `json:"services"`
}

type settings struct {
	Name string `json:"name"`
	File string `json:"file"`
	Lens string `json:"lens"`
	Set  []struct {
		Path  string `json:"path"`
		Value string `json:"value"`
	} `json:"set"`
}

type service struct {
	Name     string        `json:"name"`
	URL      string        `json:"url"`
	Tries    int           `json:"tries"`
	Interval time.Duration `json:"interval"`
	Timeout  time.Duration `json:"timeout"`
}

func readContract(name string) (contract, error) {
	var c contract
	data, err := os.ReadFile(name)
	if err != nil {
		return c, failf(exitConfig, "reading the contract: %w", err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, failf(exitConfig, "reading the contract %s: %w", name, err)
	}
	return c, nil
}

// An environment looks up the variables of a contract.
type environment struct {
	defaults map[string]string
	lookup   func(string) string
}

func newEnvironment(c contract, lookup func(string) string) environment {
	e := environment{defaults: map[string]string{}, lookup: lookup}
	for _, v := range c.Environment {
		if v.Default != nil {
			e.defaults[v.Name] = *v.Default
		}
	}
	return e
}

// expand puts the values of ${NAME} into a string; "$${" stands for "${". A variable without a value is an error. Defaults do not go in
// circles: the spec is checked for that.
func (e environment) expand(s string) (string, error) {
	var b strings.Builder
	for s != "" {
		at := strings.Index(s, "${")
		if at < 0 {
			break
		}
		if at > 0 && s[at-1] == '$' {
			b.WriteString(s[:at-1] + "${")
			s = s[at+2:]
			continue
		}
		name, rest, ok := strings.Cut(s[at+2:], "}")
		if !ok {
			return "", fmt.Errorf("%q has no end", s[at:])
		}
		value, err := e.value(name)
		if err != nil {
			return "", err
		}
		b.WriteString(s[:at] + value)
		s = rest
	}
	return b.String() + s, nil
}

func (e environment) value(name string) (string, error) {
	if value := e.lookup(name); value != "" {
		return value, nil
	}
	text, ok := e.defaults[name]
	if !ok {
		return "", failf(exitConfig, "%s is not set: give it with -e %s=VALUE", name, name)
	}
	return e.expand(text)
}
