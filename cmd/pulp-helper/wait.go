package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// ports are the ports that a URL means when it names none.
var ports = map[string]string{
	"mongodb": "27017", "amqp": "5672", "amqps": "5671", "http": "80", "https": "443", "postgres": "5432", "redis": "6379",
}

// wait waits until services take connections, one after the other.
func wait(ctx context.Context, names []string, log io.Writer) error {
	if len(names) == 0 {
		return failf(exitUsage, "wait: name the services to wait for\n%s", usage)
	}
	c, err := readContract(contractFile)
	if err != nil {
		return err
	}
	env := newEnvironment(c, os.Getenv)
	for _, name := range names {
		s := service{URL: name, Tries: 12, Interval: 5 * time.Second, Timeout: 2 * time.Second}
		for _, declared := range c.Services {
			if declared.Name == name {
				s = declared
			}
		}
		if err := s.wait(ctx, env, log); err != nil {
			return err
		}
	}
	return nil
}

func (s service) wait(ctx context.Context, env environment, log io.Writer) error {
	text, err := env.expand(s.URL)
	if err != nil {
		return err
	}
	address, err := addressOf(text)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		dialer := net.Dialer{Timeout: s.Timeout}
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		if try >= s.Tries {
			return failf(exitUnavailable, "%s did not answer in %d tries: %w", address, s.Tries, err)
		}
		fmt.Fprintf(log, "pulp-helper: try %d of %d: %s: %v; next in %s\n", try, s.Tries, address, err, s.Interval)
		select {
		case <-ctx.Done():
			return failf(exitUnavailable, "ended while waiting for %s", address)
		case <-time.After(s.Interval):
		}
	}
}

func addressOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return "", failf(exitUsage, "%q is neither a service of the contract nor a URL", text)
	}
	port := u.Port()
	if port == "" {
		port = ports[strings.ToLower(u.Scheme)]
	}
	if port == "" {
		return "", failf(exitUsage, "%q names no port", text)
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}
