//go:build linux

package main

import (
	"errors"
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// read returns what the image declares, whose defaults are then in the environment. A command of this program that somebody runs in a
// container, such as a probe, finds them as a start does.
func (p program) read() (contract.Contract, error) {
	c, err := contract.Read(p.contract)
	if err != nil {
		return c, err
	}
	return c, p.addDefaults(c, p.getenv)
}

// addDefaults gives the variables that an image declares and that have no value their defaults: the libraries that a stage is made of read
// some variables themselves, as those of libpq and TMPDIR. A default may name variables that another function knows. One that needs a
// variable without a value is none.
func (p program) addDefaults(c contract.Contract, more func(string) string) error {
	declared := map[string]bool{}
	for _, v := range c.Environment {
		declared[v.Name] = v.Default != nil
	}
	env := contract.NewEnvironment(c, func(name string) string {
		if value := p.getenv(name); value != "" || declared[name] {
			return value
		}
		return more(name)
	})
	values := map[string]string{}
	for _, v := range c.Environment {
		if v.Default == nil || p.getenv(v.Name) != "" {
			continue
		}
		value, err := env.Expand("${" + v.Name + "}")
		var missing *contract.MissingError
		switch {
		case errors.As(err, &missing):
			continue
		case err != nil:
			return err
		}
		values[v.Name] = value.Text
	}
	for _, v := range c.Environment { // in one order; and not before each default is worked out
		value, ok := values[v.Name]
		if !ok {
			continue
		}
		if err := p.setenv(v.Name, value); err != nil {
			return fmt.Errorf("the default of %s: %w", v.Name, err)
		}
	}
	return nil
}
