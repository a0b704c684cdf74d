package service

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// A Service is a server that can be probed, or several servers of which one is enough.
type Service struct {
	url serviceurl.URL
	// shown are the addresses of the hosts as messages may show them.
	shown []string
	// secrets must not be in a message, not even in text from the server.
	secrets []string
	tls     *tls.Config // nil for none
	network func(ctx context.Context, address string) (net.Conn, error)
	ask     protocol
}

// A protocol asks one server. It returns nil if the server is available, a *Failure or *serverError if the server reports that it is not,
// errStrange if the answer is not of the protocol, and otherwise the error of the connection.
type protocol func(ctx context.Context, s *session) error

// An OptionError reports that the options of a URL make no sense.
type OptionError struct{ Problem string }

func (e *OptionError) Error() string { return e.Problem }

// New returns the service of a URL. It reads the files that the URL names, such as that of a certificate authority. If the URL is
// wrong, and not a file, the error is an *OptionError.
func New(url serviceurl.URL) (Service, error) {
	s := Service{url: url, secrets: withSecrets(nil, url.Password), network: dialTCP}
	for _, host := range url.Hosts {
		s.shown = append(s.shown, host.String())
	}
	var err error
	switch url.Scheme {
	case "mongodb":
		s.ask = askMongoDB
		s.tls, err = mongoTLS(url.Options).config()
	case "amqp", "qpid":
		s.ask = askAMQP
	case "amqps":
		s.ask = askAMQP
		s.tls, err = amqpTLS(url.Options).config()
	case "http":
		s.ask = askHTTP
	case "https":
		s.ask = askHTTP
		s.tls, err = tlsOptions{use: true}.config()
	case "postgres", "postgresql":
		s.ask, err = postgres(url)
	case "redis":
		s.ask = askRedis
	case "rediss":
		s.ask = askRedis
		s.tls, err = redisTLS(url.Options).config()
	default:
		s.ask = askTCP
	}
	return s, err
}

// NewPage returns the service that is a page of a web server: it is available if the page is, or if the server leads to another one. The
// error for a URL of something else is an *OptionError.
func NewPage(url serviceurl.URL) (Service, error) {
	if url.Scheme != "http" {
		return Service{}, &OptionError{Problem: "it is http://HOST:PORT/PATH"}
	}
	s, err := New(url)
	s.ask = askPage
	return s, err
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

// Masked returns a service whose messages show these addresses instead of its own, in the order of the URL's hosts; an empty one
// changes nothing. No message will hold one of the words.
func (s Service) Masked(addresses []string, words ...string) Service {
	s.shown = slices.Clone(s.shown)
	for i := range min(len(addresses), len(s.shown)) {
		s.shown[i] = cmp.Or(addresses[i], s.shown[i])
	}
	s.secrets = withSecrets(s.secrets, words...)
	return s
}

// Address returns where the service is: HOST:PORT, or several with commas between them.
func (s Service) Address() string { return strings.Join(s.shown, ",") }

// Probe asks all hosts of the service once, at the same time, within the limit; one that is available is enough. The error is a *Failure,
// or one for each host, or the context's cause if it was cancelled.
func (s Service) Probe(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ctx, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	failures := make([]error, len(s.url.Hosts))
	var asking sync.WaitGroup
	for i := range s.url.Hosts {
		asking.Go(func() {
			if failures[i] = s.probe(ctx, limit, i); failures[i] == nil {
				enough(errEnough)
			}
		})
	}
	asking.Wait()
	switch {
	case slices.Contains(failures, nil): // whenever it came: the context may have ended before it
		return nil
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Cause(ctx)
	case len(failures) == 1:
		return failures[0]
	}
	return s.several(failures)
}

// errEnough cancels the probes of the other hosts.
var errEnough = errors.New("another host is available")

// identifying is the part of a probe's time that is reserved for finding out what a silent server is.
func identifying(limit time.Duration) time.Duration { return min(limit/8, 250*time.Millisecond) }

// probe asks one host.
func (s Service) probe(ctx context.Context, limit time.Duration, host int) error {
	session := &session{service: s, host: s.url.Hosts[host], limit: limit}
	asking, cancel := context.WithTimeout(ctx, limit-identifying(limit))
	defer cancel()
	err := s.ask(asking, session)
	session.close()
	if err == nil {
		return nil
	}
	return session.explain(ctx, err)
}
