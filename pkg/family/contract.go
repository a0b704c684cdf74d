package family

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/contract"
	"github.com/pulpimg/pulpimg/pkg/language"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// contractFile is the contract as a file of an image.
type contractFile struct{ contract contract.Contract }

// Open implements Content.
func (f contractFile) Open(string) (io.ReadCloser, error) {
	data, err := f.contract.Marshal()
	return io.NopCloser(bytes.NewReader(data)), err
}

func (r *resolver) settings() []contract.Settings {
	var out []contract.Settings
	for _, s := range r.spec.Settings {
		r.checkDeclaredName(s.Name)
		settings := contract.Settings{
			Name: s.Name.Value,
			File: r.absolute(s.Value.File, "the file"),
			Lens: r.checked(s.Value.Lens, lensName, "lens, which is a file called NAME.aug"),
		}
		for _, set := range s.Value.Set {
			if !settingPath.MatchString(set.Name.Value) {
				r.report.Add(set.Name.At, "write SECTION/KEY", "%q names no setting", set.Name.Value)
			}
			settings.Set = append(settings.Set, contract.Setting{Path: set.Name.Value, Value: r.substitute.text(set.Value, atStart)})
		}
		out = append(out, settings)
	}
	return out
}

func (r *resolver) services() []contract.Service {
	var out []contract.Service
	for _, s := range r.spec.Services {
		r.checkDeclaredName(s.Name)
		out = append(out, contract.Service{
			Name:     s.Name.Value,
			URL:      r.serviceURL(s.Value.URL),
			Tries:    cmp.Or(s.Value.Tries, language.DefaultTries),
			Interval: cmp.Or(s.Value.Interval, language.DefaultInterval),
			Timeout:  cmp.Or(s.Value.Timeout, language.DefaultTimeout),
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
	case len(startVariables(scheme)) == 0 && !slices.Contains(language.Schemes(), scheme):
		r.report.Add(t.At, spec.DidYouMean(scheme, language.Schemes()), "nothing here can wait for a service by the protocol %q", scheme)
	}
	return url
}
