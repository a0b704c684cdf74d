package download

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A DeniedError reports that the source policy denies a URL.
type DeniedError struct{ URL string } // without credentials

func (e *DeniedError) Error() string { return fmt.Sprintf("source %q denied by policy", e.URL) }

// An UnsupportedError reports that the source policy says something of a URL that only an engine can do.
type UnsupportedError struct{ Attributes []string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the source policy says %q of it", e.Attributes)
}

// A StatusError reports that a server has no file, or does not give it.
type StatusError struct {
	Host string
	Code int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answers with status %d %s", e.Host, e.Code, http.StatusText(e.Code))
}

// An UnreachableError reports that a server did not answer.
type UnreachableError struct {
	Host string
	Err  error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s cannot be reached: %v", e.Host, e.Err)
}

// Unwrap gives the failure of the network.
func (e *UnreachableError) Unwrap() error { return e.Err }

// A ChecksumError reports that a file has another content than the one that it is pinned to.
type ChecksumError struct{ Want, Got digest.Digest }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("it is %s, and is pinned to %s", e.Got, e.Want)
}

// A SizeError reports that a file is too large.
type SizeError struct{ Most int64 }

func (e *SizeError) Error() string {
	return fmt.Sprintf("it has more than the %d MB that such a step is for: use a run step for it", e.Most>>20)
}

// withoutURL returns an error without the URL of its request, and without what else may be a credential.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	if shown := family.HideCredentials(err.Error()); shown != err.Error() {
		return errors.New(shown)
	}
	return err
}
