package family

import (
	"errors"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A ValueError says of an error at a string of the spec that values from outside of the spec are in the string. It is in a [spec.Error].
type ValueError struct {
	// Problem is the message of the error.
	Problem string
	// Variables are those whose values are in the string, itself or in the default of another one.
	Variables []Variable
}

func (e *ValueError) Error() string { return e.Problem }

// origins remember which strings of a spec have given values in them.
type origins struct {
	given map[string]Variable
	from  map[string]string          // by variable: itself if it is given, or a given one that its default depends on
	used  map[spec.Position][]string // the given variables, by where a string begins
}

func newOrigins(given map[string]Variable) *origins {
	o := &origins{given: given, from: map[string]string{}, used: map[spec.Position][]string{}}
	for name := range given {
		o.from[name] = name
	}
	return o
}

// add notes a value that git gave. Nil origins note nothing.
func (o *origins) add(v Variable) {
	if o != nil {
		o.given[v.Name], o.from[v.Name] = v, v.Name
	}
}

// inherit notes what the default of a variable depends on.
func (o *origins) inherit(name string, text spec.Text) {
	if used := o.used[text.At.Start]; len(used) > 0 {
		o.from[name] = used[0]
	}
}

// forget notes that a variable is no longer known.
func (o *origins) forget(name string) { delete(o.from, name) }

// use notes that a variable is in a string. Nil origins note nothing.
func (o *origins) use(t spec.Text, name string) {
	if o == nil {
		return
	}
	if from, ok := o.from[name]; ok && !slices.Contains(o.used[t.At.Start], from) {
		o.used[t.At.Start] = append(o.used[t.At.Start], from)
	}
}

// explain adds to errors about strings which given values are in them.
func (o *origins) explain(err error) error {
	var all spec.Errors
	errors.As(err, &all)
	for _, e := range all {
		used := o.used[e.At.Start]
		if e.Err != nil || len(used) == 0 {
			continue
		}
		value := &ValueError{Problem: e.Message}
		for _, name := range used {
			value.Variables = append(value.Variables, o.given[name])
		}
		e.Err = value
	}
	return err
}
