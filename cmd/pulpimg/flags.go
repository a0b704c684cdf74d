package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/tonistiigi/go-csvvalue"

	"github.com/pulpimg/pulpimg/pkg/render/container"
)

// A script whose variable is not set gives a flag an empty value, and one that is pieced together gives a flag two of them. Both have
// meant something else than what was done. So no flag takes an empty value, and none takes two values for the same thing.

// listKeys returns, for each flag that may be repeated, what a value of it is for. Two values that are for the same thing contradict each
// other.
func listKeys() map[string]func(value string) string {
	whole := func(value string) string { return value }
	return map[string]func(string) string{
		"ca":              whole,
		"env":             beforeEquals,
		"env-file":        whole, // what a later file says comes before what an earlier one says
		"existing-secret": existingKey,
		"mirror":          whole, // several mirrors of one registry are asked one after the other
		"output":          whole,
		"plain-http":      whole,
		"platform":        whole,
		"publish":         whole,
		"registry":        whole,
		"secret":          secretKey,
		"service":         beforeEquals,
		"set":             beforeEquals,
		"tag":             whole,
		"vars":            whole, // what a later file says comes before what an earlier one says
		"volume":          container.Target,
	}
}

func beforeEquals(assignment string) string {
	name, _, _ := strings.Cut(assignment, "=")
	return name
}

func secretKey(flag string) string {
	fields, _ := csvvalue.Fields(flag, nil) // parseSecret reports what is no CSV
	for _, field := range fields {
		if id, ok := strings.CutPrefix(field, "id="); ok {
			return id
		}
	}
	return flag
}

// A flagError says that the value of a flag can mean nothing. Values of lists are not in it: they may be secret.
type flagError struct{ flag, problem string }

func (e *flagError) Error() string { return "--" + e.flag + " " + e.problem }

// A strictValue is the value of a flag that was given at most once for each thing, and not empty.
type strictValue struct {
	pflag.Value
	flag  string
	key   func(value string) string // nil for a flag that is given once
	given map[string]string         // by key
}

// Set implements pflag.Value.
func (v *strictValue) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return &flagError{v.flag, "is empty: give it a value, or leave the flag out"}
	}
	key := ""
	if v.key != nil {
		key = v.key(text)
	}
	switch old, ok := v.given[key]; {
	case ok && old != text && v.key == nil:
		return &flagError{v.flag, fmt.Sprintf("is given twice, as %s and as %s", old, text)}
	case ok && old != text:
		return &flagError{v.flag, fmt.Sprintf("has two values for %s", key)}
	}
	v.given[key] = text
	if err := v.Value.Set(text); err != nil {
		return err
	}
	if list, ok := v.Value.(pflag.SliceValue); ok && slices.Contains(list.GetSlice(), "") {
		return &flagError{v.flag, text + " has an empty part"}
	}
	return nil
}

// valueOf returns the value of a flag as it was declared.
func valueOf(flag *pflag.Flag) pflag.Value {
	if strict, ok := flag.Value.(*strictValue); ok {
		return strict.Value
	}
	return flag.Value
}

// checkFlags makes a command and those below it refuse flags and arguments that can mean nothing.
func checkFlags(cmd *cobra.Command) {
	for _, below := range cmd.Commands() {
		checkFlags(below)
	}
	keys := listKeys()
	check := func(flag *pflag.Flag) {
		if _, done := flag.Value.(*strictValue); !done {
			flag.Value = &strictValue{Value: flag.Value, flag: flag.Name, key: keyOf(flag, keys), given: map[string]string{}}
			if flag.DefValue == "[]" {
				flag.DefValue = "" // pflag leaves an empty list out of the help, but only of types that it knows
			}
		}
	}
	cmd.Flags().VisitAll(check)
	cmd.PersistentFlags().VisitAll(check)
	if cmd.Args != nil || !cmd.HasSubCommands() {
		cmd.Args = filledArgs(cmd.Args)
	}
}

// keyOf returns what tells the values of a flag apart. One flag may be a list in one command and a single value in another.
func keyOf(flag *pflag.Flag, keys map[string]func(string) string) func(string) string {
	if _, list := valueOf(flag).(pflag.SliceValue); !list {
		return nil
	}
	return keys[flag.Name]
}

// filledArgs refuses empty arguments, other than those that are passed on to a container.
func filledArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		own := args
		if dash := cmd.ArgsLenAtDash(); dash >= 0 {
			own = args[:dash]
		}
		if slices.Contains(own, "") {
			return usageError{fmt.Errorf("an argument of %s is empty: give it a value, or leave it out", cmd.CommandPath())}
		}
		if check == nil {
			return nil
		}
		return check(cmd, args)
	}
}

// flagProblem turns an error about a flag into one that says what to do.
func flagProblem(cmd *cobra.Command, err error) error {
	var (
		meaningless *flagError
		unknown     *pflag.NotExistError
	)
	if errors.As(err, &meaningless) {
		return usageError{meaningless}
	}
	if errors.As(err, &unknown) {
		if hint := flagHint(cmd, unknown.GetSpecifiedName()); hint != "" {
			return usageError{fmt.Errorf("%s has no %s: %s", cmd.CommandPath(), dashed(unknown.GetSpecifiedName()), hint)}
		}
	}
	return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
}

// dashed writes a flag as it is given.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
