package recipe_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// TestSince_isTrueOfEachField changes each field of each kind of step, and of the config, and compares what is said with the keys and configs.
func TestSince_isTrueOfEachField(t *testing.T) {
	w := world{build: amd64}
	f := must(load(filepath.Join(copied(t, "testdata/everything"), "pulpimg.yaml")))(t)
	was := must(stateOf(t, w, f))(t)
	kinds := map[string]bool{}
	changed := map[string]int{}
	try := func(what string, edited *family.Family) {
		is, err := stateOf(t, w, edited)
		if err != nil {
			t.Logf("%s: %v", what, err) // nothing can be built of it
			return
		}
		changed[what] += check(t, was, is)
		if t.Failed() {
			t.Fatal(what)
		}
	}
	for n, image := range f.Images {
		for at, step := range image.Steps {
			kind := reflect.TypeOf(step).Name()
			kinds[kind] = true
			each(t, reflect.TypeOf(step), kind, func(e edit) {
				value := reflect.New(reflect.TypeOf(step)).Elem()
				value.Set(reflect.ValueOf(step))
				if e.do(value, f) {
					try(e.name, with(f, n, func(i *family.Image) { i.Steps[at] = value.Interface().(family.Step) }))
				}
			})
		}
		each(t, reflect.TypeFor[family.Config](), "Config", func(e edit) {
			value := reflect.ValueOf(&family.Config{}).Elem()
			value.Set(reflect.ValueOf(image.Config))
			if e.do(value, f) {
				try(e.name, with(f, n, func(i *family.Image) { i.Config = value.Interface().(family.Config) }))
			}
		})
	}
	if diff := cmp.Diff(kindsOfSteps(t), slices.Sorted(maps.Keys(kinds))); diff != "" {
		t.Errorf("kinds of steps (-all +tried):\n%s", diff)
	}
	var without []string
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		if changed[name] == 0 {
			without = append(without, name)
		}
	}
	if diff := cmp.Diff(changeNothing, without); diff != "" {
		t.Errorf("what changes no image (-want +got):\n%s", diff)
	}
}

// changeNothing are the edits that make no other image.
var changeNothing = []string{
	"Config.Env[].At",
	"Config.Healthcheck.HTTP set or not",
	"Directories.Common.Range",
	"Env.Common.Name changed",
	"Env.Common.Range",
	"Env.Vars[].At",
	"Fetch.Common.Name changed",
	"Fetch.Common.Range",
	"Fetch.SHA256 changed",
	"Files.Common.Range",
	"Files.Copies[].At",
	"Files.Copies[].Source.At",
	"Files.Helpers in another order",
	"Files.Helpers with one more",
	"Files.Helpers without the first",
	"Files.Helpers[] changed",
	"Files.Startup changed",
	"Packages.Common.Name changed",
	"Packages.Common.Range", "Packages.Refresh changed",
	"Run.Caches in another order",
	"Run.Caches without the first",
	"Run.Caches[].Locked changed",
	"Run.Caches[].Name changed",
	"Run.Caches[].Path changed",
	"Run.Common.Name changed",
	"Run.Common.Range",
	"Run.Env in another order",
	"Run.Env[].At",
	"Run.Mounts[].At",
	"Run.Mounts[].Files in another order",
	"Run.Refresh changed",
	"Run.Secrets in another order",
}

// with returns a family with another image.
func with(f *family.Family, n int, change func(*family.Image)) *family.Family {
	out := *f
	out.Images = slices.Clone(f.Images)
	replaced := map[*family.Image]*family.Image{}
	for i, image := range f.Images {
		other := *image
		if p := replaced[image.Parent]; p != nil {
			other.Parent = p
		}
		other.Steps = slices.Clone(image.Steps)
		for at, step := range other.Steps {
			other.Steps[at] = repointed(step, replaced)
		}
		if i == n {
			change(&other)
		}
		out.Images[i], replaced[image] = &other, &other
	}
	return &out
}

// repointed returns a step that takes from the images of another family.
func repointed(step family.Step, replaced map[*family.Image]*family.Image) family.Step {
	switch s := step.(type) {
	case family.Files:
		s.Copies = slices.Clone(s.Copies)
		for i := range s.Copies {
			if p := replaced[s.Copies[i].Source.Image]; p != nil {
				s.Copies[i].Source.Image = p
			}
		}
		return s
	case family.Run:
		s.Mounts = slices.Clone(s.Mounts)
		for i, m := range s.Mounts {
			if m.Source != nil && replaced[m.Source.Image] != nil {
				source := *m.Source
				source.Image = replaced[m.Source.Image]
				s.Mounts[i].Source = &source
			}
		}
		return s
	}
	return step
}

// An edit changes a value of a type; it reports whether it can.
type edit struct {
	name string
	do   func(v reflect.Value, f *family.Family) bool
}

// each calls a function with the edits of each field of a type. There is no field that it cannot change.
func each(t *testing.T, typ reflect.Type, name string, use func(edit)) {
	t.Helper()
	simple := func(how string, do func(v reflect.Value)) {
		use(edit{name + " " + how, func(v reflect.Value, _ *family.Family) bool { do(v); return true }})
	}
	if ofType(t, typ, name, use) {
		return
	}
	switch typ.Kind() {
	case reflect.String:
		simple("changed", func(v reflect.Value) { v.SetString(otherString(v.String())) })
	case reflect.Bool:
		simple("changed", func(v reflect.Value) { v.SetBool(!v.Bool()) })
	case reflect.Int, reflect.Int64:
		simple("changed", func(v reflect.Value) { v.SetInt(v.Int() + 1_000_000_000) })
	case reflect.Pointer:
		inside(t, typ.Elem(), name, use, func(v reflect.Value) (reflect.Value, bool) {
			if v.IsNil() {
				return v, false
			}
			other := reflect.New(typ.Elem())
			other.Elem().Set(v.Elem())
			v.Set(other)
			return other.Elem(), true
		})
		simple("set or not", func(v reflect.Value) {
			if v.IsNil() {
				v.Set(reflect.New(typ.Elem()))
			} else {
				v.SetZero()
			}
		})
	case reflect.Slice:
		ofSlice(t, typ, name, use)
	case reflect.Map:
		use(edit{name + " changed", func(v reflect.Value, _ *family.Family) bool {
			labels := maps.Clone(v.Interface().(map[string]string))
			if labels == nil {
				labels = map[string]string{}
			}
			labels["org.example.kind"] += "x"
			v.Set(reflect.ValueOf(labels))
			return true
		}})
	case reflect.Struct:
		for i := range typ.NumField() {
			field := typ.Field(i)
			inside(t, field.Type, name+"."+field.Name, use, func(v reflect.Value) (reflect.Value, bool) { return v.Field(i), true })
		}
	default:
		t.Fatalf("%s: nothing is known of the type %s", name, typ)
	}
}

// ofType does the same for the types that have a way of their own, and reports whether it is one.
func ofType(t *testing.T, typ reflect.Type, name string, use func(edit)) bool {
	t.Helper()
	switch typ {
	case reflect.TypeFor[family.URL]():
		use(edit{name + " changed", func(v reflect.Value, f *family.Family) bool {
			v.Set(reflect.ValueOf(otherURL(t)))
			return true
		}})
	case reflect.TypeFor[family.Content]():
		use(edit{name + " changed", func(v reflect.Value, _ *family.Family) bool {
			if v.IsNil() {
				return false
			}
			v.Set(reflect.ValueOf(text("other")))
			return true
		}})
	case reflect.TypeFor[*family.Image]():
		use(edit{name + " changed", func(v reflect.Value, f *family.Family) bool {
			if v.IsNil() || v.Interface() == f.Images[0] {
				return false
			}
			v.Set(reflect.ValueOf(f.Images[0]))
			return true
		}})
	case reflect.TypeFor[fs.FileMode]():
		use(edit{name + " changed", func(v reflect.Value, _ *family.Family) bool {
			v.SetUint(v.Uint() ^ 0o100)
			return true
		}})
	default:
		return false
	}
	return true
}

func ofSlice(t *testing.T, typ reflect.Type, name string, use func(edit)) {
	t.Helper()
	own := func(v reflect.Value, n int) bool {
		if v.Len() < n {
			return false
		}
		other := reflect.MakeSlice(typ, v.Len(), v.Len())
		reflect.Copy(other, v)
		v.Set(other)
		return true
	}
	for _, last := range []bool{false, true} {
		inside(t, typ.Elem(), name+"[]", use, func(v reflect.Value) (reflect.Value, bool) {
			if !own(v, 1) {
				return v, false
			}
			if last {
				return v.Index(v.Len() - 1), true
			}
			return v.Index(0), true
		})
	}
	use(edit{name + " without the first", func(v reflect.Value, _ *family.Family) bool {
		if !own(v, 2) {
			return false
		}
		v.Set(v.Slice(1, v.Len()))
		return true
	}})
	use(edit{name + " in another order", func(v reflect.Value, _ *family.Family) bool {
		if !own(v, 2) {
			return false
		}
		reflect.Swapper(v.Interface())(0, v.Len()-1)
		return true
	}})
	if typ.Elem().Kind() == reflect.String {
		use(edit{name + " with one more", func(v reflect.Value, _ *family.Family) bool {
			own(v, 0)
			v.Set(reflect.Append(v, reflect.ValueOf("more").Convert(typ.Elem())))
			return true
		}})
	}
}

// inside calls a function with the edits of a part of a value.
func inside(t *testing.T, typ reflect.Type, name string, use func(edit), part func(reflect.Value) (reflect.Value, bool)) {
	t.Helper()
	if typ == reflect.TypeFor[spec.Range]() {
		use(edit{name, func(v reflect.Value, _ *family.Family) bool {
			p, ok := part(v)
			if ok {
				p.FieldByName("Start").FieldByName("Line").SetInt(99)
			}
			return ok
		}})
		return
	}
	each(t, typ, name, func(e edit) {
		use(edit{e.name, func(v reflect.Value, f *family.Family) bool {
			p, ok := part(v)
			return ok && e.do(p, f)
		}})
	})
}

func otherString(s string) string {
	switch {
	case s == "yum":
		return "dnf"
	case s == "":
		return "1"
	case strings.Contains(s, "}"):
		return "x" + s
	}
	return s + "1"
}

// otherURL returns a URL that no step of the spec has.
func otherURL(t *testing.T) family.URL {
	t.Helper()
	file := filepath.Join(t.TempDir(), "f.yaml")
	writeFile(t, file, `
version: 1
name: f
registry: example.com/f
tag: "1"
images: { a: { from: scratch, steps: [{ repo: { url: "https://other.example.com/", to: /a } }] } }
`)
	return must(load(file))(t).Images[0].Steps[0].(family.Fetch).URL
}

// text is content that is known.
type text string

func (t text) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(t))), nil
}

// kindsOfSteps returns the types of package family that are steps: those that have what all steps have.
func kindsOfSteps(t *testing.T) []string {
	t.Helper()
	files := must(filepath.Glob("../../pkg/family/*.go"))(t)
	var out []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := must(parser.ParseFile(token.NewFileSet(), name, nil, 0))(t)
		ast.Inspect(file, func(n ast.Node) bool {
			declared, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := declared.Type.(*ast.StructType); ok && slices.ContainsFunc(s.Fields.List, isCommon) {
				out = append(out, declared.Name.Name)
			}
			return false
		})
	}
	slices.Sort(out)
	return out
}

func isCommon(f *ast.Field) bool {
	return len(f.Names) == 0 && fmt.Sprint(f.Type) == "Common"
}
