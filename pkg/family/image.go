package family

import (
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// image fills in an image whose parent or base is known.
func (r *resolver) image(image *Image, declared spec.Named[spec.Image], f *Family) {
	d := declared.Value
	image.Reference = r.imageReference(declared.Name, f)
	image.Config = r.config(d)
	for _, s := range d.Steps {
		if step := r.step(s); step != nil {
			image.Steps = append(image.Steps, step)
		}
	}
	if d.Start != nil {
		image.Config.Entrypoint = []string{startScript}
		image.Steps = append(image.Steps, r.start(image, *d.Start))
	}
}

func (r *resolver) config(d spec.Image) Config {
	c := Config{
		User:       r.checked(d.User, atBuild, userGroup, "user"),
		WorkDir:    r.absolute(d.Workdir, "the directory"),
		Volumes:    r.absolutes(d.Volumes, "the volume"),
		Entrypoint: r.substitute.texts(d.Entrypoint, atBuild),
		Command:    r.substitute.texts(d.Command, atBuild),
	}
	for _, p := range r.checkedAll(d.Ports, port, "port") {
		if !strings.Contains(p, "/") {
			p += "/tcp"
		}
		c.Ports = append(c.Ports, p)
	}
	for _, label := range d.Labels {
		if strings.TrimSpace(label.Name.Value) != label.Name.Value || label.Name.Value == "" {
			r.report.Add(label.Name.At, "", "%q is no name for a label", label.Name.Value)
		}
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		c.Labels[label.Name.Value] = r.substitute.text(label.Value, atBuild)
	}
	for _, v := range d.Env {
		checkVariableName(r.report, v.Name)
		c.Env = append(c.Env, EnvVar{Name: v.Name.Value, Value: r.substitute.text(v.Value, atBuild)})
	}
	return c
}

// Defaults of services, as the containers of 2014 had them.
const (
	defaultTries    = 12
	defaultInterval = 5
	defaultTimeout  = 2
)

func (r *resolver) settings() []Settings {
	var out []Settings
	for _, s := range r.spec.Settings {
		settings := Settings{
			Name: s.Name.Value,
			File: r.absolute(s.Value.File, "the file"),
			Lens: r.checked(s.Value.Lens, atBuild, lensName, "lens, which is a file called NAME.aug"),
		}
		for _, set := range s.Value.Set {
			if strings.Count(set.Name.Value, "/") != 1 || strings.HasPrefix(set.Name.Value, "/") || strings.HasSuffix(set.Name.Value, "/") {
				r.report.Add(set.Name.At, "", "%q names no setting: write SECTION/KEY", set.Name.Value)
			}
			settings.Set = append(settings.Set, Setting{Path: set.Name.Value, Value: r.substitute.text(set.Value, atStart)})
		}
		out = append(out, settings)
	}
	return out
}
