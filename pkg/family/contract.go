package family

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

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

func (r *resolver) settings() []Settings {
	var out []Settings
	for _, s := range r.spec.Settings {
		r.checkDeclaredName(s.Name)
		settings := Settings{
			Name: s.Name.Value,
			File: r.absolute(s.Value.File, "the file"),
			Lens: r.checked(s.Value.Lens, lensName, "lens, which is a file called NAME.aug"),
		}
		for _, set := range s.Value.Set {
			if !settingPath.MatchString(set.Name.Value) {
				r.report.Add(set.Name.At, "write SECTION/KEY", "%q names no setting", set.Name.Value)
			}
			settings.Set = append(settings.Set, Setting{Path: set.Name.Value, Value: r.substitute.text(set.Value, atStart)})
		}
		out = append(out, settings)
	}
	return out
}

// schemes are the protocols in which pulp-helper can wait for a service.
var schemes = []string{"mongodb", "amqp", "amqps", "tcp", "http", "https", "postgres", "redis"}

// Defaults of services: a minute in all, which a database that was started together with its users may well take.
const (
	defaultTries    = 12
	defaultInterval = 5 * time.Second
	defaultTimeout  = 2 * time.Second
)

func (r *resolver) services() []Service {
	var out []Service
	for _, s := range r.spec.Services {
		r.checkDeclaredName(s.Name)
		out = append(out, Service{
			Name:     s.Name.Value,
			URL:      r.serviceURL(s.Value.URL),
			Tries:    cmp.Or(s.Value.Tries, defaultTries),
			Interval: cmp.Or(s.Value.Interval, defaultInterval),
			Timeout:  cmp.Or(s.Value.Timeout, defaultTimeout),
		})
	}
	return out
}

func (r *resolver) checkDeclaredName(name spec.Text) {
	if !declaredName.MatchString(name.Value) {
		r.report.Add(name.At, "use letters, digits, '-', '_' and '.'", "%q is no name for settings or a service", name.Value)
	}
}

func (r *resolver) serviceURL(t spec.Text) string {
	url, known := r.substitute.known(t, atStart)
	scheme, host, ok := strings.Cut(url, "://")
	switch {
	case !known:
	case !ok || host == "":
		r.report.Add(t.At, "such as tcp://HOST:PORT", "%q is no URL", t.Value)
	case len(startVariables(scheme)) == 0 && !slices.Contains(schemes, scheme):
		r.report.Add(t.At, spec.DidYouMean(scheme, schemes), "nothing here can wait for a service by the protocol %q", scheme)
	}
	return url
}
