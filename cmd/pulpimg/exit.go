package main

import (
	"context"
	"errors"

	"github.com/pulpimg/pulpimg/internal/gendir"
	"github.com/pulpimg/pulpimg/internal/signals"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/render/compose"
	"github.com/pulpimg/pulpimg/pkg/render/container"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// The exit codes, as docs/commands.md documents them. They follow sysexits.h, which pulp-helper uses too.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 64
	exitSpec        = 65 // EX_DATAERR
	exitUnavailable = 69 // EX_UNAVAILABLE
	exitCredentials = 77 // EX_NOPERM
)

// A usageError says that the command line is wrong.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func exitCode(ctx context.Context, err error) int {
	var (
		signalled   signals.Error
		usage       usageError
		address     *engine.AddressError
		specErrors  spec.Errors
		credentials *publish.CredentialsError
		damaged     *publish.CredentialsFileError
		plain       *publish.PlainHTTPError
		unreachable *publish.UnreachableError
		base        *build.BaseError
		missing     *family.MissingError
		service     *kubernetes.UnknownServiceError
		sources     *kubernetes.TwoSourcesError
		secret      *compose.SecretError
		restart     *container.RestartError
		folder      *gendir.OtherError
	)
	hasBase := errors.As(err, &base)
	switch {
	case errors.As(context.Cause(ctx), &signalled):
		return signalled.ExitCode()
	case errors.As(err, &usage), errors.As(err, &address), errors.As(err, &missing), errors.As(err, &service), errors.As(err, &sources), errors.As(err, &secret), errors.As(err, &restart), errors.As(err, &folder),
		errors.Is(err, family.ErrNothingToRun):
		return exitUsage
	case errors.As(err, &specErrors):
		return exitSpec
	case errors.As(err, &credentials), errors.As(err, &damaged), hasBase && base.Refused():
		return exitCredentials
	case errors.As(err, &unreachable), errors.As(err, &plain), hasBase && base.Unreachable(), errors.Is(err, engine.ErrUnreachable):
		return exitUnavailable
	}
	return exitFailure
}
