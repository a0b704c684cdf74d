package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
)

// ErrUnreachable reports that no engine answers at an address.
var ErrUnreachable = errors.New("no engine answers")

// answerTime is how long a remote engine may take to answer the first request. It is long because kube-pod and ssh start a program and log
// in before that.
const answerTime = 10 * time.Second

// schemes are the schemes of addresses that client.New can dial, with the helpers of connhelpers.go.
var schemes = []string{"unix", "tcp", "ssh", "docker-container", "podman-container", "nerdctl-container", "kube-pod"}

func connect(ctx context.Context, address string, t TLS) (*Engine, error) {
	if err := checkAddress(address, t); err != nil {
		return nil, err
	}
	c, err := client.New(ctx, address, t.options()...)
	if err != nil {
		return nil, fmt.Errorf("connecting to the engine at %s: %w", address, err)
	}
	if err := probe(ctx, c, address); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &Engine{kind: Remote, address: address, client: c, close: once(c.Close)}, nil
}

// An AddressError reports that an engine's address, or an option for it, is wrong.
type AddressError struct{ Err error }

func (e *AddressError) Error() string { return fmt.Sprint(e.Err) }

func (e *AddressError) Unwrap() error { return e.Err }

func checkAddress(address string, t TLS) error {
	if err := addressProblem(address, t); err != nil {
		return &AddressError{Err: err}
	}
	return nil
}

func addressProblem(address string, t TLS) error {
	if !strings.Contains(address, "://") {
		return fmt.Errorf("the engine's address %q has no scheme%s", address, suggest(address))
	}
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("reading the engine's address: %w", err)
	}
	if !slices.Contains(schemes, u.Scheme) {
		return fmt.Errorf("the engine's address %q begins with none of the known schemes: %s://", address, strings.Join(schemes, "://, "))
	}
	if t != (TLS{}) && u.Scheme != "tcp" {
		return fmt.Errorf("TLS is for engines at tcp:// addresses, and this one is at %s", address)
	}
	if (t.Cert == "") != (t.Key == "") {
		return errors.New("a client certificate for the engine needs both a certificate and a key")
	}
	return nil
}

// suggest guesses the scheme of an address that has none.
func suggest(address string) string {
	if strings.HasPrefix(address, "/") {
		return fmt.Sprintf(": did you mean unix://%s?", address)
	}
	if _, _, err := net.SplitHostPort(address); err == nil {
		return fmt.Sprintf(": did you mean tcp://%s?", address)
	}
	return fmt.Sprintf(" such as %s://", strings.Join(schemes, "://, "))
}

func (t TLS) options() []client.ClientOpt {
	if t == (TLS{}) {
		return nil
	}
	var opts []client.ClientOpt
	if t.CACert != "" {
		opts = append(opts, client.WithServerConfig(t.ServerName, t.CACert))
	} else {
		opts = append(opts, client.WithServerConfigSystem(t.ServerName))
	}
	if t.Cert != "" {
		opts = append(opts, client.WithCredentials(t.Cert, t.Key))
	}
	return opts
}

// probe makes a first request, because the client connects only when it is used.
func probe(ctx context.Context, c *client.Client, address string) error {
	asked, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	workers, err := c.ListWorkers(asked)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w at %s: %s", ErrUnreachable, address, reason(err))
	}
	if len(workers) == 0 {
		return fmt.Errorf("the engine at %s has no worker that could build: its log may say why", address)
	}
	return nil
}

// reason returns why gRPC could not connect, without the texts that gRPC puts before it.
func reason(err error) string {
	text := err.Error()
	if _, quoted, ok := strings.Cut(text, "desc = "); ok {
		if desc, err := strconv.Unquote(quoted); err == nil {
			text = desc
		}
	}
	for _, layer := range []string{"failed to list workers: ", "transport: Error while dialing: ", "error reading server preface: "} {
		text = strings.TrimPrefix(text, layer)
	}
	return strings.TrimSpace(text)
}
