package engine

import "fmt"

// An UnusableError reports that the embedded engine cannot run here.
type UnusableError struct {
	Reason Reason
	Err    error
}

func (e *UnusableError) Error() string { return fmt.Sprint(e.Err) }

func (e *UnusableError) Unwrap() error { return e.Err }

// A Reason is why the embedded engine cannot run.
type Reason int

// The reasons.
const (
	NotIncluded       Reason = iota + 1 // this binary was compiled without the engine, or with that of another architecture
	OtherSystem                         // this is not Linux
	NotRoot                             // the user is not root
	NotExecutable                       // the cache directory is on a file system whose programs cannot be run
	NamespacesRefused                   // root may make no namespaces here
)
