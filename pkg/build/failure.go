package build

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/util/grpcerrors"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/message"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A PlatformError reports that an image has to run commands for a platform that the engine cannot run.
type PlatformError struct {
	Image     string
	Platform  string
	Available []string
}

func (e *PlatformError) Error() string {
	return fmt.Sprintf("%s runs commands for %s, which this engine cannot: it runs %s", e.Image, e.Platform, strings.Join(e.Available, ", "))
}

// A BaseError reports that an image from outside could not be used.
type BaseError struct {
	// Image is the image that is based on it, or that takes files from it: then Source names it.
	Image  *family.Image
	Source *family.ImageSource
	Err    error
}

func (e *BaseError) Error() string {
	if e.Source != nil {
		return fmt.Sprintf("looking up %s, which %s takes files from: %s", e.Source.Reference, known(e.Image).Name, plain(e.Err))
	}
	return fmt.Sprintf("looking up %s, which %s is based on: %s", known(e.Image).Base, known(e.Image).Name, plain(e.Err))
}

// at returns where the spec names the image.
func (e *BaseError) at() spec.Range {
	if e.Source != nil {
		return e.Source.At
	}
	return known(e.Image).BaseAt
}

// Refused reports whether the base's registry, or a mirror of it, refused the credentials.
func (e *BaseError) Refused() bool { return message.Refused(e.Err) }

// RefusedBy returns the host that refused the credentials: the registry of the base, or a mirror of it.
func (e *BaseError) RefusedBy() string {
	by := known(e.Image).Base
	if e.Source != nil {
		by = e.Source.Reference
	}
	var sources *SourcesError
	if errors.As(e.Err, &sources) {
		if at := slices.IndexFunc(sources.Errs, message.Refused); at >= 0 {
			by = sources.Sources[at]
		}
	}
	host, _, _ := strings.Cut(by, "/")
	return host
}

// Unreachable reports whether the base's registry did not answer.
func (e *BaseError) Unreachable() bool { return message.Unreachable(e.Err) }

// Untrusted reports whether the certificate of the base's registry is of an authority that the engine does not trust.
func (e *BaseError) Untrusted() bool { return message.UnknownAuthority(e.Err) }

// WithoutTLS reports whether the base's registry answers without TLS.
func (e *BaseError) WithoutTLS() bool { return message.WithoutTLS(e.Err) }

// Denied reports whether the source policy of the build denies the base.
func (e *BaseError) Denied() bool { return e.Err != nil && message.DeniedByPolicy(e.Err.Error()) }

func (e *BaseError) Unwrap() error { return e.Err }

// A StepError reports which step of which image failed, and why.
type StepError struct {
	Image *family.Image
	At    int // in the image's steps
	Err   error
}

func (e *StepError) Error() string {
	if e.Image == nil {
		return plain(e.Err)
	}
	return llb.StepName(e.Image, e.At) + ": " + plain(e.Err)
}

func (e *StepError) Unwrap() error { return e.Err }

// A NeedError reports that an image lacks something that its containers need.
type NeedError struct {
	Image *family.Image
	Need  family.Need
}

func (e *NeedError) Error() string {
	return fmt.Sprintf("%s: %s", known(e.Image).Name, e.Need.Missing)
}

// An Error reports a failed build to a person.
type Error struct {
	// Summary names what failed, in one line.
	Summary string
	// Hint says what to change in the spec, or is empty.
	Hint string
	// Cause is what the engine lacked, as far as its error tells: a [MissingSecretError], [ErrDenied], or [ErrDiskFull]; it may be nil.
	Cause error
	// File and At are the place in the spec that caused it; At is zero when there is none.
	File string
	At   spec.Range
	// Source is the text of the spec.
	Source []byte
	// Image is the name of the image whose command failed, or empty when something else failed.
	Image string
	// Output holds the last lines that the failed command printed.
	Output []string
	// OutputShown reports whether the progress display ended with the same lines.
	OutputShown bool
	// Err is the error of the engine. Its text may hold credentials.
	Err error

	redact func(string) string
}

// Redact returns a text without the credentials of the family.
func (e *Error) Redact(text string) string {
	if e.redact == nil {
		return text
	}
	return e.redact(text)
}

func (e *Error) Error() string {
	text := e.Summary
	if e.At.Start.Line > 0 {
		text = fmt.Sprintf("%s:%s: %s", e.File, e.At.Start, text)
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Is lets [errors.Is] find the cause.
func (e *Error) Is(target error) bool { return errors.Is(e.Cause, target) }

// As lets [errors.As] find the cause.
func (e *Error) As(target any) bool { return errors.As(e.Cause, target) }

// failure turns the error of a build into one that points at the spec.
func failure(err error, f *family.Family, history history) *Error {
	out := &Error{Err: err, Summary: plain(err)}
	var step *StepError
	var base *BaseError
	var need *NeedError
	var layers *LayersError
	var config *llb.ConfigError
	switch {
	case errors.As(err, &step):
		out.Summary, out.At = step.Error(), step.Image.Steps[step.At].At()
	case errors.As(err, &base):
		out.Summary, out.At = base.Error(), base.at()
	case errors.As(err, &layers):
		out.Summary, out.Hint, out.At = layers.Error(), "join some of its steps", layers.Image.At
	case errors.As(err, &config):
		out.Summary, out.Hint, out.At = config.Error(), config.Hint, config.At
	case errors.As(err, &need):
		out.Summary, out.Hint, out.At = need.Error(), need.Need.Hint, need.Need.At
	}
	if at, ok := sourceOf(err, f.Spec); ok {
		out.At = at
	}
	file := f.Spec.FileOf(out.At.Start)
	out.File, out.Source = file.Name, file.Data
	if failed := history.failed(failedStep(err)); failed != nil && base == nil {
		out.Summary = failed.Name + ": " + plain(errors.New(failed.Err))
		out.Output, out.OutputShown = failed.output.last(), history.endsWith(failed)
		if failed.Command {
			out.Image = failed.Image
			out.narrow(f, failed)
		}
	}
	if base == nil && out.Hint == "" {
		out.Cause = causeOf(out.Summary)
	}
	out.redact, out.Summary = f.Redact, f.Redact(out.Summary)
	return out
}

// narrow points at the line of a script that failed, if the shell reported it.
func (e *Error) narrow(f *family.Family, failed *Step) {
	script, step := scriptOf(f, failed.Name)
	line, ok := lineOfScript(script, failed.stderr.last())
	if !ok || !strings.Contains(strings.TrimSpace(script), "\n") {
		return
	}
	e.Summary += fmt.Sprintf(", in line %d of the script", line)
	if at, ok := placeOfLine(e.Source, step, script, line); ok {
		e.At = at
	}
}

// sourceOf returns the place in the spec that an engine's error carries.
func sourceOf(err error, in *spec.Spec) (at spec.Range, ok bool) {
	for _, source := range errdefs.Sources(err) {
		if len(source.Ranges) > 0 && source.Ranges[0].Start != nil && source.Ranges[0].End != nil {
			start, end := source.Ranges[0].Start, source.Ranges[0].End
			file := source.GetInfo().GetFilename()
			if file == in.Filename {
				file = ""
			}
			at.Start = spec.Position{Line: int(start.Line), Column: int(start.Character), File: file}
			at.End = spec.Position{Line: int(end.Line), Column: int(end.Character), File: file}
			ok = true
		}
	}
	return at, ok
}

// failedStep returns the name, as people see it, of the step that an engine's error is about, or nothing.
func failedStep(err error) string {
	var solve *errdefs.SolveError
	if !errors.As(err, &solve) {
		return ""
	}
	return solve.Description[customName]
}

// customName is the key of a vertex's name in its description.
// https://github.com/moby/buildkit/blob/v0.34.2/client/llb/state.go
const customName = "llb.customname"

// plain returns an engine's message without the layers that it came through.
func plain(err error) string {
	if err == nil {
		return ""
	}
	return message.Plain(grpcerrors.FromGRPC(err).Error())
}

// known returns the image that an error is about. The zero value of an error is about none.
func known(image *family.Image) *family.Image {
	if image == nil {
		return &family.Image{}
	}
	return image
}
