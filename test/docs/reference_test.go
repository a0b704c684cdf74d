package docs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

const referenceFile = "../../docs/reference.md"

func TestReference_golden(t *testing.T) {
	golden.Compare(t, referenceFile, reference())
}

func TestReference_complete(t *testing.T) {
	for _, o := range schema.Objects(schema.Spec()) {
		if o.Description == "" {
			t.Errorf("%s has no description", o.Name)
		}
		for _, k := range o.Keys {
			if !strings.HasSuffix(k.Description, ".") {
				t.Errorf("the description of %s of %s is no sentence: %q", k.Name, o.Name, k.Description)
			}
			if k.Example == "" {
				t.Errorf("%s of %s has no example", k.Name, o.Name)
			}
			if k.Required && k.Default != "" {
				t.Errorf("%s of %s is required and has a default", k.Name, o.Name)
			}
		}
	}
}

const introduction = `# Reference: the keys of a spec

<!-- Made from pkg/spec/schema by go test ./test/docs -run Reference -update; a change here is lost. -->

Every key of version 1 of the language. [spec.md](spec.md) explains what they do together, [building.md](building.md) how each step
behaves, and [pulpimg.schema.json](pulpimg.schema.json) says the same to editors.

Keys that begin with ` + "`x-`" + ` mean nothing in the mappings below; where a mapping has names that the spec gives,
they are names like others. The column *variables* says what is put into a string:
` + "`${{ }}`" + ` a variable of the spec, ` + "`${ }`" + ` a variable of the environment. The names of kinds of strings are explained
[at the end](#strings).
`

// reference returns docs/reference.md.
func reference() string {
	w := &writer{forms: map[string]bool{}}
	w.line("%s", introduction)
	root := schema.Spec()
	seen := map[string]bool{}
	w.object(root, "", seen)
	w.strings()
	return w.b.String()
}

// A writer writes Markdown.
type writer struct {
	b     strings.Builder
	forms map[string]bool
	list  []schema.Form // those that were named, in that order
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// object writes the section of an object, and those of the objects below it.
func (w *writer) object(o *schema.Object, path string, seen map[string]bool) {
	if seen[o.Name] {
		return
	}
	seen[o.Name] = true
	if path == "" {
		w.line("## The spec\n")
	} else {
		w.line("## `%s`\n", path)
	}
	w.line("%s\n", o.Description)
	w.line("| key | value | variables | left out | |\n|---|---|---|---|---|")
	for _, k := range o.Keys {
		w.line("| `%s` | %s | %s | %s | %s |", k.Name, w.kind(k.Type), variables(k.Type), leftOut(k), cell(k.Description))
	}
	for _, r := range o.Rules {
		w.line("\n%s", r.Description)
	}
	w.line("\nAn example of each key:\n\n```yaml")
	for _, k := range o.Keys {
		if path == "" && alternative(o, k.Name) { // the example is a whole spec
			w.line("# %s: %s", k.Name, k.Example)
			continue
		}
		w.line("%s: %s", k.Name, k.Example)
	}
	w.line("```\n")
	for _, k := range o.Keys {
		w.below(k.Type, strings.TrimPrefix(path+"."+k.Name, "."), seen)
	}
}

// alternative reports whether a key is in place of one before it.
func alternative(o *schema.Object, key string) bool {
	return slices.ContainsFunc(o.Rules, func(r schema.Rule) bool {
		return r.Kind == schema.ExactlyOne && slices.IndexFunc(r.Conditions, func(c schema.Condition) bool { return c.Key == key }) > 0
	})
}

func (w *writer) below(t schema.Type, path string, seen map[string]bool) {
	switch t := t.(type) {
	case *schema.Object:
		w.object(t, path, seen)
	case schema.List:
		w.below(t.Items, path+"[]", seen)
	case schema.Map:
		w.below(t.Values, path+"."+t.Key, seen)
	case schema.OneOf:
		for _, one := range t {
			w.below(one, path, seen)
		}
	}
}

func leftOut(k schema.Key) string {
	switch {
	case k.Required:
		return "**required**"
	case k.Default != "":
		return code(k.Default)
	}
	return ""
}

// kind names a type.
func (w *writer) kind(t schema.Type) string {
	switch t := t.(type) {
	case schema.Version:
		return "`1`"
	case schema.String:
		return w.form(t.Form)
	case schema.Mode:
		return w.form(t.Form)
	case schema.Boolean:
		return "`true` or `false`"
	case schema.Count:
		return "number from 1 up"
	case schema.Duration:
		return "[duration](#strings)"
	case schema.List:
		if t.Command {
			return "list of " + w.kind(t.Items) + ", the first not empty"
		}
		return "list of " + w.kind(t.Items)
	case schema.Map:
		return fmt.Sprintf("mapping of %s to %s", w.form(t.Names), w.kind(t.Values))
	case schema.OneOf:
		var kinds []string
		for _, one := range t {
			kinds = append(kinds, w.kind(one))
		}
		return strings.Join(kinds, ", or ")
	case *schema.Object:
		return t.Name
	}
	panic(fmt.Sprintf("the reference has no words for a %T", t))
}

// form names a form, and keeps it for the list at the end.
func (w *writer) form(f schema.Form) string {
	if f.Pattern == "" {
		return "string"
	}
	if !w.forms[f.Name] {
		w.forms[f.Name] = true
		w.list = append(w.list, f)
	}
	return "[" + f.Name + "](#strings)"
}

// variables says which variables mean something in the strings of a type.
func variables(t schema.Type) string {
	switch t := t.(type) {
	case schema.String:
		return map[schema.Scope]string{
			schema.AtBuild: "`${{ }}`", schema.AtStart: "`${{ }}`, `${ }`", schema.InImage: "`${{ }}`, `${ }`", schema.Verbatim: "`${{ }}`",
		}[t.Scope]
	case schema.Mode:
		return "`${{ }}`"
	case schema.List:
		return variables(t.Items)
	case schema.Map:
		return variables(t.Values)
	case schema.OneOf:
		return variables(t[0])
	}
	return ""
}

// strings writes what strings of a form look like.
func (w *writer) strings() {
	w.line("## Strings\n")
	w.line("What a string has to be. Where a variable may stand in it, it has to be so once the value is put in.\n")
	w.line("| name | | pattern |\n|---|---|---|")
	for _, f := range w.list {
		w.line("| %s | %s | %s |", f.Name, cell(f.Description), code(f.Pattern))
	}
	w.line("| duration | numbers with units (`ns`, `us`, `ms`, `s`, `m`, `h`), such as `5s` or `1m30s`; longer than nothing | |")
}

// cell writes text into a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// code writes code into a cell of a table: one with the mark for code in it needs another.
func code(text string) string { return "`" + cell(text) + "`" }
