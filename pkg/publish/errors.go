package publish

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// UnreachableError reports that a registry did not answer, or that its answer is not that of a registry.
type UnreachableError struct {
	Registry string
	Err      error
}

func (e *UnreachableError) Error() string {
	var status *transport.Error
	if errors.As(e.Err, &status) {
		return fmt.Sprintf("%s does not answer as a registry does: %v", e.Registry, e.Err)
	}
	return fmt.Sprintf("registry %s cannot be reached: %v", e.Registry, e.Err)
}

// Unwrap gives the failure of the network.
func (e *UnreachableError) Unwrap() error { return e.Err }

// unreachable shortens err to what helps a user: one failed dial instead of one each for https and http, and no URL, because that of an
// upload is longer than the rest of the message.
func unreachable(registry name.Registry, err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		err = dial
	}
	return &UnreachableError{Registry: registry.Name(), Err: err}
}

// CredentialsError reports that a registry does not allow the user to do something. Another attempt does not help.
type CredentialsError struct {
	Registry   string
	Repository string
	// Denied is set if the registry knows the user and refuses (403, DENIED). Otherwise it does not know the user (401, UNAUTHORIZED).
	Denied bool
	// Anonymous is set if no credentials were found for the registry.
	Anonymous bool
	Err       error
}

func (e *CredentialsError) Error() string {
	login := "docker login " + e.Registry
	if e.Registry == name.DefaultRegistry {
		login = "docker login"
	}
	var what, todo string
	switch {
	case e.Anonymous:
		what = "wants credentials for %s, and none were found"
		todo = "log in with `" + login + "`"
	case e.Denied:
		what = "knows the user, but does not allow this on %s"
		todo = "have access granted, or log in as another user with `" + login + "`"
	default:
		what = "does not accept the credentials for %s"
		todo = "log in again with `" + login + "`"
	}
	return fmt.Sprintf("registry %s "+what+": %s (%v)", e.Registry, e.Repository, todo, e.Err)
}

// Unwrap gives the registry's own answer.
func (e *CredentialsError) Unwrap() error { return e.Err }

// answerAlone removes the request from a registry's answer: the message around it names the address already, and the request's headers
// hold credentials.
func answerAlone(err error) error {
	status, ok := err.(*transport.Error)
	if !ok {
		return err
	}
	alone := *status
	alone.Request = nil
	return &answerError{&alone}
}

// answerError is a registry's answer as one line, and not longer than a person can read: the answer may be a web page from a proxy.
type answerError struct{ answer *transport.Error }

// maxAnswer is how many bytes of an answer are part of an error.
const maxAnswer = 1000

func (e *answerError) Error() string {
	text := strings.Join(strings.Fields(e.answer.Error()), " ")
	if len(text) > maxAnswer {
		text = strings.ToValidUTF8(text[:maxAnswer], "") + "..."
	}
	return text
}

// Unwrap gives the answer with its codes.
func (e *answerError) Unwrap() error { return e.answer }

// refusal reports whether err is a registry's answer that refuses the user, and whether it denies access to a user that it knows.
func refusal(err error) (denied, refused bool) {
	var status *transport.Error
	if !errors.As(err, &status) {
		return false, false
	}
	switch status.StatusCode {
	case 403:
		return true, true
	case 401:
		for _, d := range status.Errors {
			if d.Code == transport.DeniedErrorCode {
				return true, true
			}
		}
		return false, true
	}
	return false, false
}

// isDenied reports whether err is a registry's denial. Some registries deny access to what does not exist.
func isDenied(err error) bool {
	var c *CredentialsError
	return errors.As(err, &c) && c.Denied
}

// NotFoundError says that a registry has nothing under a reference.
type NotFoundError struct{ Reference string }

func (e *NotFoundError) Error() string { return e.Reference + " does not exist in its registry" }

// UploadError reports that not every image of the family could be uploaded. No tag was moved. What was uploaded
// stays in the registry, by digest, and the next attempt does not send it again.
type UploadError struct {
	// Uploaded and Missing are names of items: complete in the registry, and not.
	Uploaded, Missing []string
	// BlobsUploaded and BlobsMissing count the blobs of the missing items that are in their repositories, and those that are not.
	BlobsUploaded, BlobsMissing int
	Err                         error
}

func (e *UploadError) Error() string {
	s := fmt.Sprintf("%v; no tag was moved; complete in the registry: %s", e.Err, listed(e.Uploaded))
	if len(e.Missing) > 0 {
		s += fmt.Sprintf("; not complete: %s (%d of %d blobs are in place)",
			listed(e.Missing), e.BlobsUploaded, e.BlobsUploaded+e.BlobsMissing)
	}
	return s
}

// Unwrap gives the first failure.
func (e *UploadError) Unwrap() error { return e.Err }

// TagError reports that every image of the family is in the registry, but not every tag points to its image.
type TagError struct {
	// Moved are the tags that point to the new images now, as reading them back showed, also those that did before.
	Moved []name.Tag
	// NotMoved are the tags that still point to where they did, Unknown those that the registry could not be asked about.
	NotMoved, Unknown []TagFailure
	// Differ are the tags that the registry moved, or said that it did, and that point elsewhere: somebody else has moved them since, or
	// the registry keeps an old answer.
	Differ []TagDifference
}

// TagFailure is why one tag was not moved.
type TagFailure struct {
	Tag name.Tag
	Err error
}

// TagDifference is a tag that points to Found instead of Want. Found is the zero value if the tag does not exist.
type TagDifference struct {
	Tag         name.Tag
	Want, Found v1.Hash
}

func (e *TagError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the images are in the registry, but not every tag points to its image; moved: %s", listedTags(e.Moved))
	for _, f := range e.NotMoved {
		fmt.Fprintf(&b, "; not moved: %s: %v", f.Tag.Name(), f.Err)
	}
	for _, d := range e.Differ {
		found := "does not exist"
		if d.Found != (v1.Hash{}) {
			found = "points to " + d.Found.String()
		}
		fmt.Fprintf(&b, "; moved, but changed since: %s %s instead of %s", d.Tag.Name(), found, d.Want)
	}
	for _, f := range e.Unknown {
		fmt.Fprintf(&b, "; not known: %s: %v", f.Tag.Name(), f.Err)
	}
	return b.String()
}

// Unwrap gives the failure of each tag.
func (e *TagError) Unwrap() []error {
	var errs []error
	for _, f := range e.NotMoved {
		errs = append(errs, f.Err)
	}
	for _, f := range e.Unknown {
		errs = append(errs, f.Err)
	}
	return errs
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
