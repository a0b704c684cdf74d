//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/service"
	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// wait waits until all services are available. Commands run as in a start, which asStart returns.
func (p program) wait(ctx context.Context, args []string, asStart func() (*start, error)) error {
	how, names, err := parseWait(args)
	if err != nil {
		return failf(exitUsage, "wait: %w\n%s", err, usage)
	}
	awaited, err := p.awaited(names, asStart)
	if err != nil {
		return err
	}
	targets := make([]service.Target, len(awaited))
	for i, a := range awaited {
		targets[i] = service.Target{
			Name: a.declared.Name, Service: a.service,
			Tries:    firstPositive(how.Tries, a.declared.Tries, contract.DefaultTries),
			Interval: firstPositive(how.Interval, a.declared.Interval, contract.DefaultInterval),
			Timeout:  firstPositive(how.Timeout, a.declared.Timeout, contract.DefaultTimeout),
		}
	}
	return explain(service.Wait(ctx, targets, p.report), awaited)
}

// parseWait reads the command line. Fields of the returned service without a flag are zero.
func parseWait(args []string) (how contract.Service, names []string, err error) {
	flags := flag.NewFlagSet("wait", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Func("tries", "", func(text string) (err error) {
		how.Tries, err = strconv.Atoi(text)
		if err != nil || how.Tries <= 0 {
			return errors.New("it is a number above 0, such as 12")
		}
		return nil
	})
	flags.Func("interval", "", span(&how.Interval))
	flags.Func("timeout", "", span(&how.Timeout))
	if err := flags.Parse(args); err != nil {
		return how, nil, err
	}
	if flags.NArg() == 0 {
		return how, nil, errors.New("name the services to wait for")
	}
	return how, flags.Args(), nil
}

func firstPositive[T int | time.Duration](values ...T) T {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}

// report prints the result of a try, unless the service is available at the first one.
func (p program) report(r service.Report) {
	switch {
	case r.Err != nil:
		fmt.Fprintf(p.stderr, "pulp-helper wait: %s: try %d of %d: %v; next try in %s\n", r.Target, r.Try, r.Target.Tries, r.Err, r.Target.Interval)
	case r.Try > 1:
		fmt.Fprintf(p.stderr, "pulp-helper wait: %s: available at try %d\n", r.Target, r.Try)
	}
}

// An awaited is a service that the image declares, or one that was given as a URL and has no name.
type awaited struct {
	declared  contract.Service
	service   service.Prober
	variables []string // of which its URL is made
}

// awaited returns the services that the arguments name.
func (p program) awaited(args []string, asStart func() (*start, error)) ([]awaited, error) {
	var (
		declared *contract.Contract // read when it is needed
		out      []awaited
	)
	for _, arg := range args {
		if strings.Contains(arg, "://") {
			url, err := serviceurl.Parse(arg)
			if err != nil {
				return nil, failf(exitUsage, "wait: %w\n%s", err, usage)
			}
			s, err := service.New(url)
			var option *service.OptionError
			switch {
			case errors.As(err, &option):
				return nil, failf(exitUsage, "wait: %q: %w\n%s", serviceurl.Redact(arg), err, usage)
			case err != nil:
				return nil, fmt.Errorf("wait: %q: %w", serviceurl.Redact(arg), err)
			}
			out = append(out, awaited{service: s})
			continue
		}
		if declared == nil {
			c, err := p.read()
			if err != nil {
				return nil, err
			}
			declared = &c
		}
		a, err := p.declared(*declared, arg, asStart)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// declared returns a service that the image declares.
func (p program) declared(c contract.Contract, name string, asStart func() (*start, error)) (awaited, error) {
	at := slices.IndexFunc(c.Services, func(s contract.Service) bool { return s.Name == name })
	if at < 0 {
		return awaited{}, failf(exitUsage, "wait: the image declares no service called %q%s\n%s", name, declaredNames(c), usage)
	}
	if declared := c.Services[at]; len(declared.Command) > 0 {
		s, err := asStart()
		if err != nil {
			return awaited{}, err
		}
		return s.command(c, declared)
	}
	return p.server(c, c.Services[at])
}

// server returns a service that has a URL.
func (p program) server(c contract.Contract, declared contract.Service) (awaited, error) {
	env := contract.NewEnvironment(c, p.getenv)
	value, err := env.ExpandURL(declared.URL)
	if err != nil {
		return awaited{}, fmt.Errorf("%s: %w", declared.Name, err)
	}
	a := awaited{declared: declared, variables: value.Variables}
	url, err := serviceurl.Parse(value.Text)
	if err != nil {
		return awaited{}, fmt.Errorf("the URL of %s is wrong%s: %w", declared.Name, a.from(), showing(err, value.Shown))
	}
	s, err := service.New(url)
	if err != nil {
		return awaited{}, fmt.Errorf("%s: %w", declared.Name, err)
	}
	a.service = s.Masked(hiddenHosts(value.Shown, len(url.Hosts)), secretsOf(c, env, value.Variables)...)
	return a, nil
}

// hiddenHosts returns what messages may show in place of hosts that come from secret variables, and empty strings for the other hosts. It
// hides all of them if one variable holds several hosts.
func hiddenHosts(shown string, n int) []string {
	hosts := serviceurl.HostsOf(shown)
	if len(hosts) != n {
		return slices.Repeat([]string{contract.Hidden}, n)
	}
	for i, host := range hosts {
		if !strings.Contains(host, contract.Hidden) {
			hosts[i] = ""
		}
	}
	return hosts
}

func declaredNames(c contract.Contract) string {
	var names []string
	for _, s := range c.Services {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return ", nor any other"
	}
	return ", but " + strings.Join(names, ", ")
}

// from returns a text that names the variables of a URL: the user who starts the container can change these.
func (a awaited) from() string {
	if len(a.variables) == 0 {
		return ""
	}
	var once []string
	for _, name := range a.variables {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return " (it comes from " + strings.Join(once, ", ") + ")"
}

// showing returns an error about a URL that shows the URL without its secrets.
func showing(err error, shown string) error {
	var wrong *serviceurl.Error
	if errors.As(err, &wrong) && strings.Contains(shown, contract.Hidden) {
		return &serviceurl.Error{URL: serviceurl.Redact(shown), Problem: "it is no URL of a service", Hint: wrong.Hint}
	}
	return err
}

// secretsOf returns the values of those variables that are secret.
func secretsOf(c contract.Contract, env contract.Environment, names []string) []string {
	var out []string
	for _, v := range c.Environment {
		if v.Secret && slices.Contains(names, v.Name) {
			if value, err := env.Expand("${" + v.Name + "}"); err == nil {
				out = append(out, value.Text)
			}
		}
	}
	return out
}

// explain adds to an error of waiting its exit code, and where the address comes from.
func explain(err error, awaited []awaited) error {
	var unavailable *service.UnavailableError
	if !errors.As(err, &unavailable) {
		return err
	}
	code := exitUnavailable
	if errors.Is(err, service.ErrCredentials) {
		code = exitCredentials
	}
	from := ""
	for _, a := range awaited {
		if a.declared.Name == unavailable.Target.Name && a.declared.Name != "" {
			from = a.from()
		}
	}
	return failf(code, "wait: %w%s%s", err, from, outputOf(err))
}
