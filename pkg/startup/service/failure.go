package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A Cause is why a service is not available.
type Cause int

// The causes.
const (
	Unresolved    Cause = iota // the name of the host does not resolve
	Refused                    // nothing listens there
	Unreachable                // there is no way to it over the network
	Silent                     // no answer in time
	HungUp                     // the server closed the connection before it answered
	WrongProtocol              // a server of another kind listens there
	TLS                        // the TLS handshake failed
	NotReady                   // the server says that it is not ready
	Credentials                // the server does not accept the credentials
)

// A Failure is why one server is not available.
type Failure struct {
	Cause Cause
	// Words are for people. They hold neither the address nor a password.
	Words string
}

func (f *Failure) Error() string { return f.Words }

// ErrHopeless matches an error after which waiting does not help, and ErrCredentials one of these: a Failure because of wrong credentials.
var (
	ErrHopeless    = errors.New("waiting does not help")
	ErrCredentials = errors.New("credentials refused")
)

// Is reports whether a failure is ErrCredentials, and hopeless.
func (f *Failure) Is(target error) bool {
	return (target == ErrCredentials || target == ErrHopeless) && f.Cause == Credentials
}

// errStrange is a protocol's error for bytes that are no answer of that protocol.
var errStrange = errors.New("this is no answer of the protocol")

// A serverError is a Failure that quotes the server. Its text must not be shown before the secrets in it are hidden.
type serverError struct {
	cause  Cause
	format string
	args   []any // each serverText is quoted
}

func (e *serverError) Error() string { return fmt.Sprintf(e.format, e.args...) }

func (e *serverError) failure(s Service) *Failure {
	args := slices.Clone(e.args)
	for i, arg := range args {
		if words, ok := arg.(serverText); ok {
			args[i] = s.quote(words)
		}
	}
	return &Failure{e.cause, fmt.Sprintf(e.format, args...)}
}

func notReady(format string, args ...any) error {
	return &serverError{NotReady, "not ready: " + format, args}
}

// refused is the error of a server that did not accept the credentials. It quotes the server's words.
func refused(words string) error {
	const text = "the server refused the credentials"
	if words == "" {
		return &Failure{Credentials, text}
	}
	return &serverError{Credentials, text + ": %s", []any{serverText{text: words}}}
}

// A tlsError is an error of the TLS handshake.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }

// several joins the failures of all hosts, each with its address, so that the user sees which host is wrong.
func (s Service) several(failures []error) error {
	joined := &hostFailures{errs: failures}
	for i, err := range failures {
		joined.words = append(joined.words, s.shown[i]+": "+err.Error())
	}
	return joined
}

type hostFailures struct {
	words []string
	errs  []error
}

func (e *hostFailures) Error() string   { return strings.Join(e.words, "; ") }
func (e *hostFailures) Unwrap() []error { return e.errs }

// explain turns an error of the session into a Failure. The context is that of the whole probe.
func (s *session) explain(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	f := s.failure(ctx, err)
	f.Words = s.service.hide(f.Words)
	return f
}

func (s *session) failure(ctx context.Context, err error) *Failure {
	var (
		known  *Failure
		quoted *serverError
		lookup *net.DNSError
	)
	seen := s.seen()
	switch {
	case errors.As(err, &known):
		return &Failure{known.Cause, known.Words}
	case errors.As(err, &quoted):
		return quoted.failure(s.service)
	case errors.As(err, &lookup):
		return unresolved(lookup)
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Failure{Refused, "connection refused: nothing listens there"}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return &Failure{Unreachable, "the network has no way to it: " + reason(err).Error()}
	case len(s.conns) == 0 && timedOut(err):
		return &Failure{Silent, "no answer" + s.within()}
	case len(s.conns) == 0:
		return &Failure{Unreachable, reason(err).Error()}
	case len(seen) == 0 && !isTLS(err) && len(s.raw()) > 0: // TLS works, as the URL asks for
		return s.speechless(err)
	case len(seen) == 0 && !isTLS(err):
		if what := s.identify(ctx); what.kind != "" && what.kind != s.own() {
			return s.service.wrongProtocol(what)
		}
		return s.speechless(err)
	case isTLS(err) && len(s.raw()) == 0:
		if what := s.identify(ctx); what.kind != "" && what.kind != tlsServer {
			return &Failure{TLS, "TLS: the server does not speak it: it looks like " + s.service.describe(what)}
		}
		return s.insecure(err)
	case isTLS(err):
		return s.insecure(err)
	}
	return s.misunderstood(err, seen)
}

// misunderstood is the failure of a server whose answer is not of the protocol, or not complete.
func (s *session) misunderstood(err error, seen []byte) *Failure {
	switch what := fingerprintOf(seen); {
	case what.kind != "" && what.kind != s.own():
		return s.service.wrongProtocol(what)
	case timedOut(err):
		return &Failure{Silent, "the answer did not come to its end" + s.within()}
	case errors.Is(err, errEndless):
		return &Failure{WrongProtocol, "the answer does not end"}
	case hungUp(err):
		return &Failure{HungUp, "it closed the connection in the middle of the answer"}
	}
	words := s.service.clean(beginningOf(seen))
	if runes := []rune(words); len(runes) > 24 {
		words = string(runes[:24]) + "..."
	}
	return &Failure{WrongProtocol, elsewhere + `something that says "` + words + `"`}
}

// speechless is the failure of a server that accepted a connection and sent nothing.
func (s *session) speechless(err error) *Failure {
	switch {
	case timedOut(err):
		return &Failure{Silent, "it accepted the connection, but gave no answer" + s.within()}
	case hungUp(err):
		return &Failure{HungUp, "it closed the connection without an answer"}
	}
	return &Failure{HungUp, reason(err).Error()}
}

func (s *session) within() string { return " within " + s.limit.String() }

func unresolved(err *net.DNSError) *Failure {
	switch {
	case err.IsNotFound:
		return &Failure{Unresolved, "the name does not resolve"}
	case err.IsTimeout:
		return &Failure{Unresolved, "the name does not resolve: no name server answered in time"}
	}
	return &Failure{Unresolved, "the name does not resolve: no name server answered"}
}

func isTLS(err error) bool {
	var trouble *tlsError
	return errors.As(err, &trouble)
}

// insecure is the failure of a TLS handshake.
func (s *session) insecure(err error) *Failure {
	var (
		record   tls.RecordHeaderError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		alert    tls.AlertError
	)
	words := func(text string) *Failure { return &Failure{TLS, "TLS: " + text} }
	switch raw := s.raw(); {
	case errors.As(err, &record):
		if what := fingerprintOf(raw); what.kind != "" {
			return words("the server does not speak it: it looks like " + s.service.describe(what))
		}
		return words("the server does not speak it")
	case errors.As(err, &unknown):
		return words("the server's certificate is signed by an authority that is not trusted here")
	case errors.As(err, &hostname):
		return words("the server's certificate is for another name: " + strings.Join(names(hostname.Certificate), ", "))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return words(fmt.Sprintf("the server's certificate is valid from %s to %s only", day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter)))
	case errors.As(err, &alert):
		return words("the server refused: " + alert.Error())
	case timedOut(err):
		return &Failure{Silent, "it accepted the connection, but did not answer TLS" + s.within()}
	case hungUp(err):
		return words("the server closed the connection in the middle of the handshake")
	}
	return words(strings.TrimPrefix(reason(err).Error(), "tls: "))
}

func names(certificate *x509.Certificate) []string {
	out := certificate.DNSNames
	for _, ip := range certificate.IPAddresses {
		out = append(out, ip.String())
	}
	if len(out) == 0 {
		return []string{"it names none"}
	}
	return out[:min(len(out), 5)]
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// reason returns the innermost error, which does not repeat the address: messages name it already. Of joined errors it follows the last.
func reason(err error) error {
	for {
		next := errors.Unwrap(err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
			all := joined.Unwrap()
			next = all[len(all)-1]
		}
		if next == nil {
			return err
		}
		err = next
	}
}
