//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/service"
	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// defaultCheckTimeout is what docker has for a health check.
const defaultCheckTimeout = 30 * time.Second

// check asks once for a page of a web server, for a health check of the container: it needs no contract, and prints nothing if the page is there.
func (p program) check(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	timeout := defaultCheckTimeout
	flags.Func("timeout", "", span(&timeout))
	if err := flags.Parse(args); err != nil {
		return failf(exitUsage, "check: %w\n%s", err, usage)
	}
	if flags.NArg() != 1 {
		return failf(exitUsage, "check: name one URL\n%s", usage)
	}
	text := flags.Arg(0)
	url, err := serviceurl.Parse(text)
	if err != nil {
		return failf(exitUsage, "check: %w\n%s", err, usage)
	}
	page, err := service.NewPage(url)
	if err != nil {
		return failf(exitUsage, "check: %q: %w\n%s", serviceurl.Redact(text), err, usage)
	}
	err = page.Probe(ctx, timeout)
	var failure *service.Failure
	if errors.As(err, &failure) {
		return failf(exitUnavailable, "check: %s: %w", serviceurl.Redact(text), failure)
	}
	return err
}

// span returns what reads a flag that is a span of time.
func span(to *time.Duration) func(string) error {
	return func(text string) (err error) {
		*to, err = time.ParseDuration(text)
		if err != nil || *to <= 0 {
			return errors.New("it is a time above 0 with its unit, such as 5s")
		}
		return nil
	}
}
