package family

import (
	"regexp"
	"sync"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// image fills in an image whose parent or base is known.
func (r *resolver) image(image *Image, name spec.Text, f *Family) {
	d := image.Declared
	image.Unpublished = d.Publish != nil && !*d.Publish
	r.publication(f, image, name)
	image.OnBuildPlatform = r.onBuildPlatform(image, d)
	image.Config = r.config(d)
	image.Config.Healthcheck = r.healthcheck(d.Healthcheck)
	r.shareLabels(image, f)
	for _, s := range d.Steps {
		if step := r.step(s); step != nil {
			image.Steps = append(image.Steps, step)
		}
	}
	if d.Healthcheck != nil && d.Healthcheck.HTTP != nil {
		r.needHelper(image, d.Healthcheck.HTTP.At, "the health check of", "exec")
	}
	if d.Start != nil {
		r.inheritStart(image)
	}
	image.Secrets = r.secrets(d.Secrets)
	switch {
	case d.Start == nil:
	case d.Start.IsAbstract():
		r.abstractStart(image, *d.Start)
	default:
		image.Config.Entrypoint = []string{startscript.Path}
		image.Config.StopSignal = r.stopSignalOfStart(image)
		image.Config.NoHealthcheck = image.Config.Healthcheck == nil
		image.Steps = append(image.Steps, r.start(image, *d.Start))
	}
	r.checkSecrets(image)
	image.Workload = r.workload(image)
	r.checkLayers(image, name)
}

// onBuildPlatform reports whether an image runs on the engine's platform. What is based on it has to do the same.
func (r *resolver) onBuildPlatform(image *Image, d spec.Image) bool {
	on := r.matchForm(d.Platform, buildPlatform, `platform: only "build" can be said of one`) != ""
	switch {
	case on && !image.Unpublished:
		r.report.Add(d.Platform.At, "add publish: false, and let another image take from it what it makes",
			"an image with platform: build is not for the platform that it would be published for")
	case on && image.Parent != nil && !image.Parent.OnBuildPlatform:
		r.report.Add(d.Platform.At, "", "it is based on %s, which is built for the target platform", image.Parent.Name)
	case !on && image.Parent != nil && image.Parent.OnBuildPlatform:
		r.report.Add(d.From.At, "add platform: build and publish: false, or take files of "+image.Parent.Name+" with image: in a files step",
			"%s runs on the platform of the engine, and what is based on it would, too", image.Parent.Name)
	}
	return on
}

func (r *resolver) config(d spec.Image) Config {
	r.checkSecretEnv(d.Env)
	r.program(d.Entrypoint, atBuild)
	if len(d.Entrypoint) == 0 && len(d.Command) > 0 { // beside an entrypoint, these are its arguments
		r.nonEmpty(d.Command[0], atBuild, "", "without an entrypoint, the first word of a command")
	}
	return Config{
		Labels:     r.labels(d.Labels),
		Env:        r.envVars(d.Env),
		User:       r.matchForm(d.User, userGroup, "user"),
		WorkDir:    r.absolute(d.Workdir, "the directory"),
		Volumes:    r.absolutes(d.Volumes, "the volume"),
		Ports:      r.ports(d.Ports),
		StopSignal: r.stopSignal(d.StopSignal),
		Entrypoint: r.substitute.texts(d.Entrypoint, atBuild),
		Command:    r.substitute.texts(d.Command, atBuild),
	}
}

func (r *resolver) envVars(declared []spec.Named[spec.Text]) []EnvVar {
	var out []EnvVar
	for _, v := range declared {
		checkVariableName(r.report, v.Name)
		value := r.substitute.text(v.Value, inImage)
		r.checkDollar(v, value)
		out = append(out, EnvVar{Name: v.Name.Value, Value: value, At: v.Value.At})
	}
	return out
}

// dollarName is how a shell and a Dockerfile name a variable without braces.
var dollarName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$([A-Za-z_][A-Za-z0-9_]*)`) })

// checkDollar reports a $NAME that was probably meant as a variable: no directory in PATH has a dollar in its name, and no value is meant
// to hold the name of its own variable.
func (r *resolver) checkDollar(v spec.Named[spec.Text], value string) {
	for _, found := range dollarName().FindAllStringSubmatch(value, -1) {
		if name := found[1]; v.Name.Value == "PATH" || v.Name.Value == name {
			r.report.Add(v.Value.At, "write ${"+name+"}", "$%s without braces is not a variable: the value of %s would contain these characters", name, v.Name.Value)
			return
		}
	}
}
