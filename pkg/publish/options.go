package publish

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pulpimg/pulpimg/pkg/registries"
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

// Options say how [Publish], [Preview], [Images], [Fill], [CheckAccess], [Resolve], [RemoveTags] and a [Reader] talk to registries. The zero value stands for the
// defaults that the fields name.
type Options struct {
	// Keychain has the credentials. If it is nil, it is a [NewKeychain] with the environment of this process.
	Keychain authn.Keychain
	// Transport sends the requests. If it is nil, it is [remote.DefaultTransport] with the certificates of Registries.
	Transport http.RoundTripper
	// Jobs is how many blobs are uploaded, or downloaded, at the same time. Zero means 4.
	Jobs int
	// Backoff says how requests are repeated. What is zero of it means 6 attempts, 250 ms apart at first and a minute at most.
	Backoff Backoff
	// Patience is how long a registry may neither answer nor move a byte before a request is repeated or given up. Zero means a minute.
	Patience time.Duration
	// Registries says how registries are reached. Plain HTTP is allowed with those that it allows it for, and with this machine itself. If it
	// is nil, it is what [registries.Load] finds.
	Registries *registries.Config
	// Greetings keep what registries answered first, for others with the same ones. They may be nil.
	Greetings *Greetings
	// Immutable are patterns, as [path.Match] has them, of tags that are never moved once they exist.
	Immutable []string
	// Progress is called while blobs are uploaded or downloaded: at the end of each one, and in between at most ten times a second. Calls do
	// not overlap, and there are none after the function with these options has returned. Transfers wait for it to return. It may be nil.
	Progress func(Progress)
	// Waiting is called while a registry is waited for: after ten seconds, and then every ten seconds. Calls for several registries may
	// overlap. There are none after the function with these options has returned. It may be nil.
	Waiting func(Waiting)
}

// settings are complete options.
type settings struct{ Options }

// settings completes options. Those that nothing can be published with are an error.
func (o Options) settings() (settings, error) {
	if o.Keychain == nil {
		o.Keychain = NewKeychain(os.Getenv)
	}
	if o.Registries == nil {
		var err error
		if o.Registries, err = registries.Load(registries.Options{}); err != nil {
			return settings{}, err
		}
	}
	if inner, ok := remote.DefaultTransport.(*http.Transport); ok && o.Transport == nil {
		o.Transport = o.Registries.Transport(inner)
	}
	if o.Transport == nil {
		o.Transport = remote.DefaultTransport
	}
	for _, pattern := range o.Immutable {
		if _, err := path.Match(pattern, ""); err != nil {
			return settings{}, fmt.Errorf("%q is no pattern of immutable tags: %w", pattern, err)
		}
	}
	o.Jobs = cmp.Or(o.Jobs, defaultJobs)
	o.Backoff.Attempts = cmp.Or(o.Backoff.Attempts, 6)
	o.Backoff.First = cmp.Or(o.Backoff.First, 250*time.Millisecond)
	o.Backoff.Longest = cmp.Or(o.Backoff.Longest, time.Minute)
	o.Patience = cmp.Or(o.Patience, defaultPatience)
	switch {
	case o.Jobs < 1:
		return settings{}, fmt.Errorf("%d blobs at a time: at least one is needed", o.Jobs)
	case o.Backoff.Attempts < 1:
		return settings{}, fmt.Errorf("%d attempts: at least one is needed", o.Backoff.Attempts)
	case o.Patience < 0:
		return settings{}, fmt.Errorf("a patience of %v: it has to be positive", o.Patience)
	}
	return settings{o}, nil
}

// maxRequests is how many small requests may run at the same time.
func (s settings) maxRequests() int { return s.Jobs * requestsPerJob }
