package publish

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const (
	// defaultJobs is how many blobs are uploaded at the same time. One connection rarely uses the whole bandwidth; more than a few only
	// share it.
	defaultJobs = 4

	// requestsPerJob is how many small requests may run for each blob that is uploaded: they wait for the registry and need
	// little bandwidth. The product stays below the 50 idle connections per host that remote.DefaultTransport keeps.
	requestsPerJob = 4

	// userAgent comes before go-containerregistry's own.
	userAgent = "pulpimg"
)

// Option changes how [Publish] and [Resolve] talk to a registry.
type Option func(*options) error

type options struct {
	keychain  authn.Keychain
	transport http.RoundTripper
	jobs      int
	backoff   Backoff
	patience  time.Duration
	plain     plainHosts
	progress  func(Progress)
	waiting   func(Waiting)
	mountFrom map[v1.Hash]name.Repository
}

func newOptions(opts []Option) (options, error) {
	o := options{
		keychain:  NewKeychain(os.Getenv),
		transport: remote.DefaultTransport,
		jobs:      defaultJobs,
		backoff:   Backoff{Attempts: 6, First: 250 * time.Millisecond, Longest: time.Minute},
		patience:  defaultPatience,
	}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return options{}, err
		}
	}
	return o, nil
}

// maxRequests is how many small requests may run at the same time.
func (o options) maxRequests() int { return o.jobs * requestsPerJob }

// WithKeychain looks credentials up in k. The default is [NewKeychain] with this process's environment.
func WithKeychain(k authn.Keychain) Option {
	return func(o *options) error {
		if k == nil {
			return errors.New("the keychain is nil")
		}
		o.keychain = k
		return nil
	}
}

// WithTransport sends requests through t. The default is [remote.DefaultTransport].
func WithTransport(t http.RoundTripper) Option {
	return func(o *options) error {
		if t == nil {
			return errors.New("the transport is nil")
		}
		o.transport = t
		return nil
	}
}

// WithJobs uploads up to n blobs at the same time. The default is 4.
func WithJobs(n int) Option {
	return func(o *options) error {
		if n < 1 {
			return fmt.Errorf("%d blobs at a time: at least one is needed", n)
		}
		o.jobs = n
		return nil
	}
}

// WithBackoff repeats requests as b says. The default is 6 attempts, 250 ms apart at first and a minute at most.
func WithBackoff(b Backoff) Option {
	return func(o *options) error {
		if b.Attempts < 1 {
			return fmt.Errorf("%d attempts: at least one is needed", b.Attempts)
		}
		o.backoff = b
		return nil
	}
}

// WithPatience sets how long a registry may neither answer nor move a byte before a request is repeated or given up. The default is a
// minute.
func WithPatience(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("a patience of %v: it has to be positive", d)
		}
		o.patience = d
		return nil
	}
}

// WithPlainHTTP allows plain HTTP for hosts, each HOST or HOST:PORT as in references. It is always allowed for this machine itself.
func WithPlainHTTP(hosts ...string) Option {
	return func(o *options) (err error) {
		o.plain, err = newPlainHosts(hosts)
		return err
	}
}

// WithWaiting calls report while a publication waits for a registry: after ten seconds, and then every ten seconds. Calls for several
// registries may overlap. There are no calls after [Publish] or [Resolve] has returned.
func WithWaiting(report func(Waiting)) Option {
	return func(o *options) error {
		o.waiting = report
		return nil
	}
}

// WithProgress calls report while blobs are uploaded: at the end of each one, and in between at most ten times a second.
// Calls do not overlap, and there are none after Publish has returned. Uploads wait for report to return.
func WithProgress(report func(Progress)) Option {
	return func(o *options) error {
		o.progress = report
		return nil
	}
}

// WithMountFrom names repositories that are known to hold blobs, such as the one that a family's outer base was pulled
// from. A blob is mounted from there if it goes to the same registry.
func WithMountFrom(origins map[v1.Hash]name.Repository) Option {
	return func(o *options) error {
		o.mountFrom = origins
		return nil
	}
}
