package recipe

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// The generated files. What differs in one of them is said in the words of the spec; if that says nothing, the file changed.
const (
	contractGroup = "contract.json"
	startGroup    = "the start script"
	repoGroup     = "the repository file"
)

// read returns a generated content; nothing, if it cannot be read, which is an error where its digest is made.
func read(c family.Content) []byte {
	r, err := c.Open("")
	if err != nil {
		return nil
	}
	data, err := io.ReadAll(r)
	if r.Close() != nil || err != nil {
		return nil
	}
	return data
}

// contract adds what a contract says.
func (b builder) contract(into *facts, file family.Content) {
	var c contract.Contract
	if json.Unmarshal(read(file), &c) != nil {
		return
	}
	var out facts
	b.variables(&out, c.Environment)
	b.settings(&out, c.Settings)
	b.services(&out, c.Services)
	for _, f := range out {
		f.Group = contractGroup
		into.add(f)
	}
}

// noDefault is shown for a variable without a default.
const noDefault = "no default"

func (b builder) variables(out *facts, all []contract.Variable) {
	order := fact{Name: "environment", Form: ordering}
	for _, v := range all {
		var at, byDefault spec.Range
		for _, d := range b.family.Spec.Environment {
			if d.Name.Value == v.Name {
				at, byDefault = d.Name.At, d.Name.At
				if d.Value.Default != nil {
					byDefault = d.Value.Default.At
				}
			}
		}
		order.Values, order.each = append(order.Values, valid(v.Name)), append(order.each, at)
		value := fact{Name: valid(v.Name), Values: []string{noDefault}, at: byDefault}
		if v.Default != nil {
			value.Values, value.Sum = b.hidden([]string{*v.Default}, func(s string) string {
				if v.Secret && s != "" {
					return concealed
				}
				return b.ofName(v.Name, s)
			})
		}
		out.add(value)
		for _, is := range []struct {
			name string
			true bool
		}{{"required", v.Required}, {"secret", v.Secret}} {
			out.add(fact{Name: valid(v.Name) + " " + is.name, Part: true, Values: []string{strconv.FormatBool(is.true)}, at: at})
		}
	}
	out.add(order)
}

func (b builder) settings(out *facts, all []contract.Settings) {
	order := fact{Name: "settings", Form: list}
	var each facts
	for _, s := range all {
		var at spec.Settings
		for _, d := range b.family.Spec.Settings {
			if d.Name.Value == s.Name {
				at = d.Value
			}
		}
		name := "settings " + valid(s.Name)
		order.Values, order.each = append(order.Values, valid(s.Name)), append(order.each, at.At)
		each.add(fact{Name: name + " file", Part: true, Values: []string{valid(s.File)}, at: at.File.At})
		each.add(fact{Name: name + " lens", Part: true, Values: []string{valid(s.Lens)}, at: at.Lens.At})
		keys := fact{Name: name, Form: ordering}
		for _, set := range s.Set {
			place := placeOf(at.Set, set.Path)
			b.named(&each, name+" "+set.Path, set.Path, set.Value, place, ofLayers)
			keys.Values, keys.each = append(keys.Values, valid(set.Path)), append(keys.each, place)
		}
		each.add(keys)
	}
	out.add(order)
	*out = append(*out, each...)
}

func (b builder) services(out *facts, all []contract.Service) {
	order := fact{Name: "services", Form: list}
	var each facts
	for _, s := range all {
		var at spec.Service
		for _, d := range b.family.Spec.Services {
			if d.Name.Value == s.Name {
				at = d.Value
			}
		}
		name := "services " + valid(s.Name)
		order.Values, order.each = append(order.Values, valid(s.Name)), append(order.each, at.At)
		if len(s.Command) > 0 {
			command := b.words(name+" command", s.Command, orAt(firstAt(at.Command), at.At), ofLayers)
			command.Part = true
			each.add(command)
		} else {
			url := fact{Name: name + " url", Part: true, at: at.URL.At}
			url.Values, url.Sum = b.hidden([]string{s.URL}, b.text)
			each.add(url)
		}
		each.add(fact{Name: name + " tries", Part: true, Values: []string{strconv.Itoa(s.Tries)}, at: at.At})
		each.add(fact{Name: name + " interval", Part: true, Values: []string{s.Interval.String()}, at: at.At})
		each.add(fact{Name: name + " timeout", Part: true, Values: []string{s.Timeout.String()}, at: at.At})
	}
	out.add(order)
	*out = append(*out, each...)
}

// startScript adds what a start script says.
func (b builder) startScript(into *facts, file family.Content, image *family.Image) {
	s, err := startscript.Parse(startGroup, read(file))
	if err != nil {
		return
	}
	var d spec.Start
	if image.Declared.Start != nil {
		d = *image.Declared.Start
	}
	var out facts
	for _, l := range []struct {
		kind     startscript.Kind
		name     string
		declared []spec.Text
	}{
		{startscript.RequireSocket, "require.sockets", d.Sockets}, {startscript.RequireFile, "require.files", d.Files},
		{startscript.RequireVariable, "require.variables", d.Variables}, {startscript.Configure, "configure", d.Configure},
		{startscript.Wait, "wait", d.Wait},
	} {
		f := fact{Name: "start " + l.name, Form: list, at: orAt(firstAt(l.declared), d.At)}
		for _, stage := range s.Stages {
			if stage.Kind == l.kind {
				f.Values = append(f.Values, stage.Args...)
			}
		}
		for _, v := range f.Values {
			f.each = append(f.each, b.placeOfRequired(l.declared, v, f.at))
		}
		out.add(f)
	}
	b.commands(&out, s, d)
	for _, f := range out {
		f.Group = startGroup
		into.add(f)
	}
}

// placeOfRequired returns where a list of a start has a value, or where the environment declares the variable that it is.
func (b builder) placeOfRequired(list []spec.Text, value string, otherwise spec.Range) spec.Range {
	for _, t := range list {
		if t.Value == value {
			return t.At
		}
	}
	for _, v := range b.family.Spec.Environment {
		if v.Name.Value == value {
			return v.Name.At
		}
	}
	return otherwise
}

// commands adds the commands of a start script, and what they run as.
func (b builder) commands(out *facts, s startscript.Script, d spec.Start) {
	initial := fact{Name: "start init", Form: list, at: d.At}
	for _, stage := range s.Stages {
		if stage.Kind == startscript.Init {
			initial.Values = append(initial.Values, shell.Words(stage.Args))
		}
	}
	for _, words := range d.Init {
		initial.each = append(initial.each, orAt(firstAt(words), d.At))
	}
	initial.Values, initial.Sum = b.hidden(initial.Values, b.text)
	out.add(initial)
	out.value("start user", s.Become.User, orAt(d.User.At, d.At), ofLayers)
	out.value("start workdir", s.Become.Workdir, orAt(d.Workdir.At, d.At), ofLayers)
	out.value("start umask", s.Become.Umask, orAt(d.Umask.At, d.At), ofLayers)
	out.add(b.words("start command", s.Become.Command, orAt(firstAt(d.Command), d.At), ofLayers))
}

// repoFile adds the lines of a repository file that say something of their own.
func (b builder) repoFile(into *facts, file family.Content, d *spec.Repo) {
	places := map[string]spec.Range{"name": d.Name.At, "baseurl": d.BaseURL.At, "gpgkey": d.GPGKey.At}
	for line := range strings.Lines(string(read(file))) {
		line = strings.TrimSuffix(line, "\n")
		name, value, ok := strings.Cut(line, "=")
		f := fact{Name: "repo " + name, Group: repoGroup, at: orAt(places[name], d.At)}
		if !ok {
			f.Name, value, f.at = "repo id", strings.Trim(line, "[]"), orAt(d.ID.At, d.At)
		}
		f.Values, f.Sum = b.hidden([]string{value}, b.text)
		into.add(f)
	}
}
