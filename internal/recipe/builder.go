package recipe

import (
	"context"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A builder makes the recipes of the images of a family for one platform.
type builder struct {
	Sources
	hider
	family   *family.Family
	platform ocispec.Platform
}

// runsOn returns the platform that the commands of an image run on.
func (b builder) runsOn(image *family.Image) ocispec.Platform {
	if image.OnBuildPlatform {
		return b.Build
	}
	return b.platform
}

// Names of facts that the comparison knows.
const (
	baseName    = "base"
	workdirName = "workdir"
	publishName = "publish"
)

func (b builder) image(ctx context.Context, source *family.Image) (out image, err error) {
	out = image{Name: source.Name, at: source.At}
	base, err := b.base(ctx, source)
	if err != nil {
		return out, err
	}
	d := source.Declared
	all := facts{base}
	all.value("platform", platforms.Format(b.runsOn(source)), orAt(d.Platform.At, source.At), ofLayers)
	b.config(&all, source)
	all.value(publishName, strconv.FormatBool(!source.Unpublished), source.At, ofConfig)
	out.Facts = all
	for at := range source.Steps {
		made, err := b.step(ctx, source, at)
		if err != nil {
			return out, err
		}
		out.Steps = append(out.Steps, made)
	}
	return out, nil
}

// base says what an image is based on.
func (b builder) base(ctx context.Context, image *family.Image) (fact, error) {
	if image.Parent != nil {
		return fact{Name: baseName, Form: source, Image: image.Parent.Name, at: orAt(image.Declared.From.At, image.At)}, nil
	}
	f := fact{Name: baseName, Form: source, Values: []string{image.Base, ""}, at: orAt(image.BaseAt, image.At)}
	if image.Base == family.Scratch {
		return f, nil
	}
	return b.outside(ctx, f, image)
}

// outside fills in the digest of an image from outside.
func (b builder) outside(ctx context.Context, f fact, image *family.Image) (fact, error) {
	sum, err := b.Base(ctx, f.Values[0], b.runsOn(image))
	f.Values[1] = string(sum)
	return f, err
}

// config adds what an image declares of its config.
func (b builder) config(into *facts, image *family.Image) {
	c, d := image.Config, image.Declared
	b.environment(into, c.Env)
	into.value("user", c.User, d.User.At, ofConfig)
	into.value(workdirName, c.WorkDir, d.Workdir.At, ofRuns)
	labels := append(append([]spec.Named[spec.Text](nil), d.Labels...), image.SharedLabels...)
	for _, name := range sortedKeys(c.Labels) {
		b.named(into, "label "+name, name, c.Labels[name], placeOf(labels, name), ofConfig)
	}
	start := placeOfStart(d)
	into.add(b.words("entrypoint", c.Entrypoint, orAt(firstAt(d.Entrypoint), start), ofConfig))
	into.add(b.words("command", c.Command, firstAt(d.Command), ofConfig))
	into.add(fact{Name: "ports", Form: list, Values: c.Ports, Reach: ofConfig, at: firstAt(d.Ports), each: textsAt(d.Ports)})
	into.add(fact{Name: "volumes", Form: list, Values: c.Volumes, Reach: ofConfig, at: firstAt(d.Volumes), each: textsAt(d.Volumes)})
	into.value("stopsignal", c.StopSignal, orAt(d.StopSignal.At, start), ofConfig)
	if c.NoHealthcheck && c.Healthcheck == nil {
		into.add(fact{Name: "healthcheck inherited", Values: []string{"none"}, Reach: ofConfig, at: start})
	}
	if h := c.Healthcheck; h != nil {
		b.healthcheck(into, *h, d.Healthcheck)
	}
}

func (b builder) healthcheck(into *facts, h family.Healthcheck, declared *spec.Healthcheck) {
	var at spec.Range
	if declared != nil {
		at = orAt(orAt(declared.Script.At, firstAt(declared.Command)), orAt(declared.None.At, declared.At))
	}
	test := h.Test()
	switch test[0] {
	case "CMD-SHELL":
		into.add(b.lines("healthcheck script", h.Script, at, ofConfig))
	case "CMD":
		into.add(b.words("healthcheck command", h.Command, at, ofConfig))
	default:
		into.value("healthcheck", "none", at, ofConfig)
	}
	for _, option := range h.Options() {
		name, value, _ := strings.Cut(strings.TrimPrefix(option, "--"), "=")
		into.value("healthcheck "+strings.ReplaceAll(name, "-", "_"), value, at, ofConfig)
	}
}

// environment adds variables of the image. A value can name those before it.
func (b builder) environment(into *facts, vars []family.EnvVar) {
	order := fact{Name: "env", Form: ordering, Reach: ofCommands}
	for _, v := range vars {
		b.named(into, "env "+v.Name, v.Name, v.Value, v.At, ofCommands)
		order.Values, order.each = append(order.Values, v.Name), append(order.each, v.At)
		order.at = orAt(order.at, v.At)
	}
	into.add(order)
}

// facts are what is so of an image or a step.
type facts []fact

// add adds a fact, unless it says nothing and is no part of an item. If there is one of its name already, it gets another one.
func (f *facts) add(one fact) {
	if len(one.Values) == 0 && one.Image == "" && !one.Part {
		return
	}
	name := one.Name
	for n := 2; f.has(one.Name); n++ {
		one.Name = name + " (" + strconv.Itoa(n) + ")"
	}
	*f = append(*f, one)
}

func (f *facts) has(name string) bool {
	for _, one := range *f {
		if one.Name == name {
			return true
		}
	}
	return false
}

// value adds a value that is no secret, unless it is empty.
func (f *facts) value(name, value string, at spec.Range, reaches reach) {
	if value != "" {
		f.add(fact{Name: name, Values: []string{valid(value)}, Reach: reaches, at: at})
	}
}

// named adds the value of a variable or a label, which may be empty.
func (b builder) named(into *facts, name, variable, value string, at spec.Range, reaches reach) {
	f := fact{Name: valid(name), Reach: reaches, at: at}
	f.Values, f.Sum = b.hidden([]string{value}, func(string) string { return b.ofName(variable, value) })
	into.add(f)
}

// words returns the fact of a command.
func (b builder) words(name string, words []string, at spec.Range, reaches reach) fact {
	f := fact{Name: name, Form: command, Reach: reaches, at: at}
	f.Values, f.Sum = b.hidden(words, b.text)
	return f
}

// lines returns the fact of a script.
func (b builder) lines(name, text string, at spec.Range, reaches reach) fact {
	f := fact{Name: name, Form: script, Reach: reaches, at: at}
	if text != "" {
		f.Values, f.Sum = b.hidden([]string{text}, b.text)
		f.Values = strings.Split(f.Values[0], "\n")
	}
	return f
}
