package family

import (
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// A Secret is a file that containers get from outside when they start, such as a private key. Nothing of it is in the image.
type Secret struct {
	// ID is what the file is called where it comes from: a key of a Secret of Kubernetes, a secret of a Compose file.
	ID string
	// Path is where containers have it.
	Path string
	// At is where the spec says so.
	At spec.Range
}

// maxSecrets is how many secrets an image may have, inherited ones included. They are compared with each other.
const maxSecrets = 256

// secrets resolves the secrets that an image declares itself.
func (r *resolver) secrets(declared []spec.Named[spec.Text]) []Secret {
	if len(declared) > maxSecrets {
		r.report.Add(declared[maxSecrets].Name.At, "", "an image has %d secrets at most", maxSecrets)
		return nil
	}
	var out []Secret
	for _, d := range declared {
		id := d.Name.Value
		if !secretID.MatchString(id) {
			r.report.Add(d.Name.At, "use letters, digits, '-', '_' and '.', 253 at most", "%q is no id for a secret", id)
		}
		if slices.ContainsFunc(r.env.variables, func(v contract.Variable) bool { return v.Name == id }) {
			r.report.Add(d.Name.At, "call one of them something else", "%s is a variable of the environment as well: in a Secret of Kubernetes, both would have the same key", id)
		}
		path, dir := r.destination(d.Value, "the secret")
		switch {
		case dir:
			r.report.Add(d.Value.At, "name the file", "a secret is a file, and %s/ is a directory", strings.TrimSuffix(path, "/"))
		case strings.Contains(path, ":"):
			r.report.Add(d.Value.At, "give the file another name", "%q has a ':', at which docker, podman and Kubernetes divide", path)
		case !Reserved(path) && (under(startupDir, path) || under(startscript.Helper, path)):
			r.report.Add(d.Value.At, "name the file", "a secret is a file, and %s is a directory with what pulpimg starts containers with", path)
		default:
			r.checkReserved(d.Value.At, path)
		}
		out = append(out, Secret{ID: id, Path: path, At: spec.Range{Start: d.Name.At.Start, End: d.Value.At.End}})
	}
	return out
}

// secrets returns the secrets of an image, with those that it inherits. One that it declares itself goes before an inherited one with the
// same id.
func (i *Image) secrets() []Secret {
	var out []Secret
	for ; i != nil; i = i.Parent {
		for _, s := range i.Secrets {
			if !slices.ContainsFunc(out, func(o Secret) bool { return o.ID == s.ID }) {
				out = append(out, s)
			}
		}
	}
	return out
}

// checkSecrets reports the secrets of an image that cannot be where they are to be. What is wrong with an image that it is based on has been
// reported there.
func (r *resolver) checkSecrets(image *Image) {
	secrets := image.secrets()
	if len(secrets) > maxSecrets {
		r.report.Add(image.Secrets[0].At, "", "with those that it inherits, %s has %d secrets, and an image has %d at most", image.Name, len(secrets), maxSecrets)
		image.Secrets = nil // what inherits them is not wrong, too
		return
	}
	for i, s := range secrets {
		at, volumes := image.At, image.Config.Volumes
		if i < len(image.Secrets) {
			at, volumes = s.At, image.all(func(c Config) []string { return c.Volumes })
			for _, other := range secrets[i+1:] {
				if under(s.Path, other.Path) || under(other.Path, s.Path) {
					r.report.Add(at, "give them places of their own", "%s has the secret %s at %s, and %s at %s", image.Name, s.ID, s.Path, other.ID, other.Path)
				}
			}
		}
		for _, v := range volumes {
			if under(v, s.Path) {
				r.report.Add(at, "put the secret into the volume, or elsewhere", "%s has the secret %s at %s, and the volume %s", image.Name, s.ID, s.Path, v)
			}
		}
		if what, path := r.atStart(image, s.Path); what != "" {
			r.report.Add(at, "put the secret elsewhere", "%s has the secret %s at %s, and %s %s", image.Name, s.ID, s.Path, what, path)
		}
	}
}

// atStart returns what the start of an image has to have at a path, above it or below it: a socket of the machine, or a settings file, which
// could not be written.
func (r *resolver) atStart(image *Image, secret string) (what, path string) {
	if image.Start == nil {
		return "", ""
	}
	for _, socket := range image.Start.Sockets {
		if under(socket, secret) || under(secret, socket) {
			return "the socket", socket
		}
	}
	for _, settings := range r.contract.Settings {
		if slices.Contains(image.Start.Configure, settings.Name) && (under(settings.File, secret) || under(secret, settings.File)) {
			return "writes the settings file", settings.File
		}
	}
	return "", ""
}

// under reports whether a path is another one or below it.
func under(path, other string) bool { return path == other || strings.HasPrefix(path, other+"/") }
