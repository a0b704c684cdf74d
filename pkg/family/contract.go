package family

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// schemes are the protocols in which pulp-helper can wait for a service.
var schemes = []string{"mongodb", "amqp", "amqps", "tcp", "http", "https", "postgres", "redis"}

func (r *resolver) services() []Service {
	var out []Service
	for _, s := range r.spec.Services {
		service := Service{
			Name:     s.Name.Value,
			URL:      r.substitute.text(s.Value.URL, atStart),
			Tries:    s.Value.Tries,
			Interval: s.Value.Interval,
			Timeout:  s.Value.Timeout,
		}
		if scheme, _, ok := strings.Cut(service.URL, "://"); !ok {
			r.report.Add(s.Value.URL.At, "such as tcp://HOST:PORT", "%q is no URL", s.Value.URL.Value)
		} else if !strings.Contains(scheme, "$") && !contains(schemes, scheme) {
			r.report.Add(s.Value.URL.At, spec.DidYouMean(scheme, schemes), "nothing here waits for a service by the protocol %q", scheme)
		}
		if service.Tries == 0 {
			service.Tries = defaultTries
		}
		if service.Interval == 0 {
			service.Interval = defaultInterval * time.Second
		}
		if service.Timeout == 0 {
			service.Timeout = defaultTimeout * time.Second
		}
		out = append(out, service)
	}
	return out
}

func contains(list []string, s string) bool {
	for _, other := range list {
		if other == s {
			return true
		}
	}
	return false
}

// ContractFile is where a helpers step puts the contract.
const ContractFile = "/usr/share/pulpimg/contract.json"

// Open implements Content: the contract as JSON.
func (c Contract) Open(string) (io.ReadCloser, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(c); err != nil {
		return nil, err
	}
	return io.NopCloser(&b), nil
}
