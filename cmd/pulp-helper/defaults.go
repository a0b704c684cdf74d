//go:build linux

package main

import (
	"errors"
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// read returns the image's contract, and adds its defaults to the environment. A command that runs later in the container, such as a
// probe, then has the same variables as a start.
func (p program) read() (contract.Contract, error) {
	c, err := contract.Read(p.contract)
	if err != nil {
		return c, err
	}
	return c, p.addDefaults(c, p.getenv)
}

// addDefaults sets the variables that have no value to the defaults of the contract: libraries that a stage uses read some variables
// themselves, such as TMPDIR and those of libpq. A default may name variables that another function looks up. A default that needs a
// variable without a value is ignored.
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
	for _, v := range c.Environment { // in a fixed order, and only after all defaults are known
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
