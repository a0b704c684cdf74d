package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pulpimg/pulpimg/pkg/contract"
)

// Defaults for what is given as a URL; services of the contract bring their own.
const (
	defaultTries    = 12
	defaultInterval = 5 * time.Second
	defaultTimeout  = 2 * time.Second
)

// defaultPort returns the port of a scheme, as IANA registered them.
// https://www.iana.org/assignments/service-names-port-numbers
func defaultPort(scheme string) string {
	return map[string]string{
		"amqp": "5672", "amqps": "5671", "http": "80", "https": "443", "mongodb": "27017", "postgres": "5432", "redis": "6379",
	}[scheme]
}

// wait waits until all services accept connections.
func (p program) wait(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("wait", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	tries := flags.Int("tries", 0, "")
	interval := flags.Duration("interval", 0, "")
	timeout := flags.Duration("timeout", 0, "")
	if err := flags.Parse(args); err != nil {
		return failf(exitUsage, "wait: %w\n%s", err, usage)
	}
	if flags.NArg() == 0 {
		return failf(exitUsage, "wait: name the services to wait for\n%s", usage)
	}
	targets, err := p.targets(flags.Args())
	if err != nil {
		return err
	}
	for i := range targets {
		t := &targets[i].Service
		t.Tries = firstPositive(*tries, t.Tries, defaultTries)
		t.Interval = firstPositive(*interval, t.Interval, defaultInterval)
		t.Timeout = firstPositive(*timeout, t.Timeout, defaultTimeout)
	}
	return p.waitForAll(ctx, targets)
}

func firstPositive[T int | time.Duration](values ...T) T {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}

// A target is a service and the addresses that it may be at; one that answers is enough.
type target struct {
	contract.Service
	addresses []string
}

// targets finds out what the arguments mean: a service that the image declares, or a URL.
func (p program) targets(args []string) ([]target, error) {
	var (
		c   contract.Contract
		err error
		out []target
	)
	for _, arg := range args {
		s := contract.Service{URL: arg}
		if !strings.Contains(arg, "://") {
			if c.Services == nil {
				if c, err = contract.Read(p.contract); err != nil {
					return nil, err
				}
			}
			at := slices.IndexFunc(c.Services, func(s contract.Service) bool { return s.Name == arg })
			if at < 0 {
				return nil, failf(exitUsage, "the image declares no service called %q", arg)
			}
			s = c.Services[at]
			url, err := contract.NewEnvironment(c, p.getenv).Expand(s.URL)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", arg, err)
			}
			s.URL = url.Text
		}
		addresses, err := addressesOf(s.URL)
		if err != nil {
			return nil, failf(exitUsage, "wait: %w", err)
		}
		if s.Name == "" {
			s.Name = strings.Join(addresses, ",")
		}
		out = append(out, target{s, addresses})
	}
	return out, nil
}

// addressesOf returns the host:port of each host of a URL. MongoDB's URLs may name several, which package net/url refuses. The URL may
// hold a password, so no error shows it.
func addressesOf(url string) ([]string, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return nil, errors.New("the URL of a service is SCHEME://HOST:PORT")
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	var out []string
	for host := range strings.SplitSeq(rest, ",") {
		name, port, err := net.SplitHostPort(host)
		if err != nil {
			name, port = strings.Trim(host, "[]"), defaultPort(scheme)
		}
		switch {
		case name == "":
			return nil, fmt.Errorf("a %s URL names no host: it is %s://HOST:PORT", scheme, scheme)
		case port == "":
			return nil, fmt.Errorf("a %s URL names no port: it is %s://HOST:PORT", scheme, scheme)
		}
		out = append(out, net.JoinHostPort(name, port))
	}
	return out, nil
}

// waitForAll waits for all targets at once, and gives up on all as soon as one stays away.
func (p program) waitForAll(ctx context.Context, targets []target) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	var (
		waiting sync.WaitGroup
		printed sync.Mutex
	)
	report := func(format string, args ...any) {
		printed.Lock()
		defer printed.Unlock()
		fmt.Fprintf(p.stderr, "pulp-helper wait: "+format+"\n", args...)
	}
	for _, t := range targets {
		waiting.Go(func() {
			if err := t.wait(ctx, report); err != nil {
				giveUp(err) // the first one counts
			}
		})
	}
	waiting.Wait()
	return context.Cause(ctx)
}

// wait waits until one of the target's addresses accepts a connection.
func (t target) wait(ctx context.Context, report func(string, ...any)) error {
	for try := 1; ; try++ {
		err := t.dial(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if try >= t.Tries {
			return failf(exitUnavailable, "%s is not available after %d tries: %w", t.Name, t.Tries, err)
		}
		report("%s: try %d of %d: %v; next in %s", t.Name, try, t.Tries, err, t.Interval)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(t.Interval):
		}
	}
}

// dial connects to the first address that accepts.
func (t target) dial(ctx context.Context) error {
	var errs []error
	for _, address := range t.addresses {
		dialer := net.Dialer{Timeout: t.Timeout}
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
