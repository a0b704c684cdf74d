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
	"strings"
	"syscall"
	"time"
	"unicode"
)

// A Cause is why a service is not available.
type Cause int

// The causes.
const (
	Unresolved  Cause = iota // the name of the host does not resolve
	Refused                  // nothing listens there
	Unreachable              // the network does not lead there
	Silent                   // no answer in time
	HungUp                   // the connection was closed instead of an answer
	Stranger                 // something else listens there
	TLS                      // no secure connection came about
	NotReady                 // the server says that it is not ready
	Credentials              // the server does not accept the credentials
)

// A Failure says why one server is not available.
type Failure struct {
	Cause Cause
	// Words say it for people. They have neither the address nor a password in them.
	Words string
}

func (f *Failure) Error() string { return f.Words }

// ErrCredentials is what a Failure is when waiting does not help, because the credentials are wrong.
var ErrCredentials = errors.New("credentials refused")

// Is says whether a failure is ErrCredentials.
func (f *Failure) Is(target error) bool { return target == ErrCredentials && f.Cause == Credentials }

// errStrange is a protocol's error for an answer that is none.
var errStrange = errors.New("this is no answer of the protocol")

func notReady(format string, args ...any) error {
	return &Failure{NotReady, "not ready: " + fmt.Sprintf(format, args...)}
}

// refused says that the server did not accept the credentials, in its own words.
func refused(words string) error {
	text := "the server refused the credentials"
	if words != "" {
		text += ": " + quote(words)
	}
	return &Failure{Credentials, text}
}

// A tlsError is what went wrong while a connection was being secured.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }

// several joins what each host said. All are named: which of them is the wrong one is what one wants to know.
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

// explain turns what went wrong with the session into a Failure. The context is that of the whole probe.
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
		lookup *net.DNSError
	)
	seen := s.seen()
	switch {
	case errors.As(err, &known):
		return &Failure{known.Cause, known.Words}
	case errors.As(err, &lookup):
		return unresolved(lookup)
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Failure{Refused, "connection refused: nothing listens there"}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return &Failure{Unreachable, "the network does not lead there: " + reason(err).Error()}
	case len(s.conns) == 0 && timedOut(err):
		return &Failure{Silent, "no answer" + s.within()}
	case len(s.conns) == 0:
		return &Failure{Unreachable, reason(err).Error()}
	case len(seen) == 0 && !isTLS(err):
		seen = s.identify(ctx)
		if what := looksLike(seen); what != "" && what != s.own() {
			return s.stranger(what)
		}
		return s.speechless(err)
	case isTLS(err):
		return s.insecure(err)
	}
	return s.misunderstood(err, seen)
}

// misunderstood is the failure of a server that said something.
func (s *session) misunderstood(err error, seen []byte) *Failure {
	switch what := looksLike(seen); {
	case what != "" && what != s.own():
		return s.stranger(what)
	case timedOut(err):
		return &Failure{Silent, "the answer did not come to its end" + s.within()}
	case errors.Is(err, errEndless):
		return &Failure{Stranger, "the answer does not end"}
	case hungUp(err):
		return &Failure{HungUp, "it closed the connection in the middle of the answer"}
	}
	return s.stranger("something that says " + quote(string(seen[:min(len(seen), 24)])))
}

// speechless is the failure of a server that accepted a connection and said nothing.
func (s *session) speechless(err error) *Failure {
	switch {
	case timedOut(err):
		return &Failure{Silent, "it accepted the connection, but gave no answer" + s.within()}
	case hungUp(err):
		return &Failure{HungUp, "it closed the connection without an answer"}
	}
	return &Failure{HungUp, reason(err).Error()}
}

func (s *session) within() string {
	if s.limit == 0 {
		return " in time"
	}
	return " within " + s.limit.String()
}

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

// insecure is the failure of a connection that could not be secured.
func (s *session) insecure(err error) *Failure {
	var (
		record   tls.RecordHeaderError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		alert    tls.AlertError
	)
	words := func(text string) *Failure { return &Failure{TLS, "TLS: " + text} }
	switch raw := s.conns[len(s.conns)-1].raw.seen; {
	case errors.As(err, &record):
		if what := looksLike(raw); what != "" {
			return words("the server does not speak it: it looks like " + what)
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

// reason returns what is at the bottom of an error, without the address, which messages have already.
func reason(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// quote makes the words of a server fit for one line.
func quote(words string) string {
	clean := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, words)
	clean = strings.Join(strings.Fields(clean), " ")
	if runes := []rune(clean); len(runes) > 160 {
		clean = string(runes[:160]) + "..."
	}
	return `"` + clean + `"`
}

// hide takes secrets out of a text: a server may well repeat what it was told.
func (s Service) hide(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}
