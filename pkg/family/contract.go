package family

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
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
			Lens: r.matchForm(s.Value.Lens, lensName, "lens, which is a file called NAME.aug"),
		}
		for _, set := range s.Value.Set {
			setting := contract.Setting{Path: set.Name.Value, Value: r.substitute.text(set.Value, atStart)}
			if _, _, ok := setting.Split(); !ok {
				r.report.Add(set.Name.At, "write SECTION/KEY", "%q names no setting", set.Name.Value)
			}
			settings.Set = append(settings.Set, setting)
		}
		out = append(out, settings)
	}
	return out
}

func (r *resolver) services() []contract.Service {
	var out []contract.Service
	for _, s := range r.spec.Services {
		r.checkDeclaredName(s.Name)
		service := contract.Service{
			Name:     s.Name.Value,
			Tries:    cmp.Or(s.Value.Tries, contract.DefaultTries),
			Interval: cmp.Or(s.Value.Interval, contract.DefaultInterval),
			Timeout:  cmp.Or(s.Value.Timeout, contract.DefaultTimeout),
		}
		if len(s.Value.Command) > 0 {
			service.Command = r.commandOf(s.Value.Command)
			service.Timeout = cmp.Or(s.Value.Timeout, contract.DefaultCommandTimeout)
		} else {
			service.URL = r.serviceURL(s.Value.URL)
		}
		out = append(out, service)
	}
	return out
}

func (r *resolver) checkDeclaredName(name spec.Text) {
	if !declaredName.MatchString(name.Value) {
		r.report.Add(name.At, "use letters, digits, '-', '_' and '.'", "%q is no name for settings or a service", name.Value)
	}
}

// serviceURL checks a URL as far as it is known before a container starts: what a variable will be is taken for a host, or a port.
func (r *resolver) serviceURL(t spec.Text) string {
	url, ok := r.substitute.expand(t, atStart)
	scheme, rest, _ := strings.Cut(url, ":")
	switch {
	case !ok, len(startVariables(scheme)) > 0:
	case !strings.HasPrefix(rest, "//"):
		r.report.Add(t.At, "such as tcp://HOST:PORT", "%q is no URL", t.Value)
	case !slices.Contains(serviceurl.Names(), scheme):
		r.report.Add(t.At, spec.DidYouMean(scheme, serviceurl.Names()), "pulp-helper cannot wait for a service with the protocol %q", scheme)
	case holdsPassword(url):
		r.report.Add(t.At, "write ${NAME} for the password, with a secret variable of the environment", "the URL holds a password, which would be in the image")
	default:
		r.checkServiceURL(t, url)
	}
	return url
}

// holdsPassword reports whether the URL of a service has a password in it that is no variable: before the @, or as one of the options.
func holdsPassword(url string) bool {
	if password := serviceurl.PasswordOf(url); password != "" && len(startVariables(password)) == 0 {
		return true
	}
	_, query, _ := strings.Cut(url, "?")
	for option := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(option, "=")
		if strings.HasSuffix(strings.ToLower(name), "password") && value != "" && len(startVariables(value)) == 0 {
			return true
		}
	}
	return false
}

// placeholder takes the place of a variable whose value is known later: it is valid as a host, as a port and as anything else.
const placeholder = "1"

func (r *resolver) checkServiceURL(t spec.Text, url string) {
	names := startVariables(url)
	for _, name := range names {
		url = strings.ReplaceAll(url, "${"+name+"}", placeholder)
	}
	var wrong *serviceurl.Error
	if _, err := serviceurl.Parse(url); !errors.As(err, &wrong) || len(names) > 0 && wrong.Problem == serviceurl.NoPort {
		return // a variable may have the port in it
	}
	r.report.Add(t.At, wrong.Hint, "the URL cannot be used: %s", wrong.Problem)
}
