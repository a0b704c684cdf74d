package engine

import (
	"encoding/json"
	"fmt"
)

// An UnusableError reports that the embedded engine cannot run here.
type UnusableError struct {
	Reason Reason
	Err    error
}

func (e *UnusableError) Error() string { return fmt.Sprint(e.Err) }

func (e *UnusableError) Unwrap() error { return e.Err }

// MarshalJSON writes the reason, as a word that does not change, and the message, which may.
func (e *UnusableError) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"reason": e.Reason.String(), "message": e.Error()})
}

// A Reason is why the embedded engine cannot run.
type Reason int

// The reasons.
const (
	NotIncluded       Reason = iota + 1 // this binary was compiled without the engine, or with that of another architecture
	OtherSystem                         // this is not Linux
	NotExecutable                       // the cache directory is on a file system whose programs cannot be run
	NamespacesRefused                   // the kernel refuses the namespaces: to root in a container, or to an ordinary user
	NoIDMapProgram                      // without root: newuidmap or newgidmap is not installed
	NoSubIDs                            // without root: the user may not use enough IDs; the error is a *SubIDsError
	SysctlForbids                       // without root: the error is a *SysctlError
	IDMapFailed                         // without root: newuidmap or newgidmap failed
	ProcMasked                          // without root: /proc cannot be mounted, because a container runtime has hidden parts of it
	AppArmorForbids                     // without root: AppArmor takes the rights from the namespaces of this program
)

// String returns a word for the reason.
func (r Reason) String() string {
	words := [...]string{
		NotIncluded:       "not-included",
		OtherSystem:       "other-system",
		NotExecutable:     "not-executable",
		NamespacesRefused: "namespaces-refused",
		NoIDMapProgram:    "no-id-map-program",
		NoSubIDs:          "no-sub-ids",
		SysctlForbids:     "sysctl-forbids",
		IDMapFailed:       "id-map-failed",
		ProcMasked:        "proc-masked",
		AppArmorForbids:   "apparmor-forbids",
	}
	if r < NotIncluded || int(r) >= len(words) {
		return "unknown"
	}
	return words[r]
}

// A SubIDsError reports that a user may use too few IDs in user namespaces.
type SubIDsError struct {
	// File is the file that gives IDs to users: /etc/subuid or /etc/subgid.
	File string
	User string
	// Have of Need IDs are the user's.
	Have, Need int64
	// Free is the first ID that the file gives to nobody, from 100000 on.
	Free int64
}

func (e *SubIDsError) Error() string {
	if e.Have == 0 {
		return fmt.Sprintf("%s gives no IDs to the user %s, and the embedded engine needs %d to run without root", e.File, e.User, e.Need)
	}
	return fmt.Sprintf("%s gives %d IDs to the user %s, and the embedded engine needs %d to run without root", e.File, e.Have, e.User, e.Need)
}

// A SysctlError reports that a setting of the kernel forbids what the embedded engine needs to run without root.
type SysctlError struct {
	// Name is that of the setting, and Value is what it is.
	Name, Value string
	// Needed is a value that is enough.
	Needed string
}

func (e *SysctlError) Error() string {
	return fmt.Sprintf("this machine allows no user namespaces to ordinary users (%s = %s), and the embedded engine needs one to run without root", e.Name, e.Value)
}
