package family

// An OverrideError reports that a value that the caller of [Resolve] gave does not fit the spec: [Options].Registries, Tags
// or Variables. It is in a [spec.Error], at the place in the spec that has the value otherwise.
type OverrideError struct {
	// Key is the key of the spec whose value was overridden: registry, tag or variables.
	Key string
	// Variable is the name of the variable, if the key is variables.
	Variable string
	// Problem says what is wrong, without the words for where the value came from.
	Problem string
}

func (e *OverrideError) Error() string {
	what := e.Key
	if e.Variable != "" {
		what = "the variable " + e.Variable
	}
	return "override of " + what + ": " + e.Problem
}

// A NoValueError reports that a variable of the spec that something needs has no default, and that nothing gave it a value either. It is in
// a [spec.Error], at the place that declares the variable.
type NoValueError struct {
	Variable string
	// Unknown are the names in [Options].Environ that are those of no variable of the spec, sorted: one of them may be misspelt.
	Unknown []string
}

func (e *NoValueError) Error() string { return "the variable " + e.Variable + " has no value" }
