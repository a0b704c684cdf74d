package family_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// shape is a spec with a variable for each way of giving a value.
const shape = head + `variables: {a: {default: spec}, b: {default: spec}, c: {default: spec}, d: {default: spec}, e: {default: spec}}
images: {i: {from: scratch}}
`

func TestLoad_precedence(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"f.yaml": shape, family.ValuesFile: "a: beside\nb: beside\nc: beside\nd: beside\n",
		"one.yaml": "a: one\nb: one\nc: one\n", "two.yaml": "c: two\n",
	})
	opts := family.Options{
		Variables: map[string]string{"a": "caller"},
		Environ:   []string{"PULPIMG_SET_a=environ", "PULPIMG_SET_b=environ", "PULPIMG_SET_c=", "PULPIMG_SET_z=1", "PULPIMG_SET_y=1", "a=x"},
	}
	for _, name := range []string{"one.yaml", "two.yaml"} {
		values, err := spec.LoadValues(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		opts.Values = append(opts.Values, values)
	}
	f, err := family.Load(filepath.Join(dir, "f.yaml"), opts)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range f.Variables {
		got = append(got, strings.TrimSpace(v.Name+"="+v.Value+" at "+v.At.Start.String()+" "+strings.TrimPrefix(v.File, dir+"/")))
	}
	want := []string{"a=caller at 5:13", "b=environ at 5:33", "c=two at 1:4 two.yaml", "d=beside at 4:4 pulpimg.vars.yaml", "e=spec at 5:106"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"PULPIMG_SET_y", "PULPIMG_SET_z"}, f.Unknown); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
}

func TestLoad_valuesBeside(t *testing.T) {
	for _, test := range []struct {
		name, values, images string
		want                 string
	}{
		{"an unknown variable", "aa: x\n", "{i: {from: scratch}}", `pulpimg.vars.yaml:1:1: f.yaml declares no variable "aa" (did you mean "a"?)`},
		{"mistakes in both files", "\n\n\n\n\n\naa: x\n", "{i: {from: A}}", "f.yaml:6:20: no image of this family is called \"A\" (there is i)\n" +
			`pulpimg.vars.yaml:7:1: f.yaml declares no variable "aa" (did you mean "a"?)`},
		{"no string", "a: 1\n", "{i: {from: scratch}}", `pulpimg.vars.yaml:1:4: a has to be a string, not the number 1 (write "1")`},
		{"a spec that cannot be read whole", "aa: x\n", "{i: {from: scratch, form: x}}", `f.yaml:6:29: unknown key "form" in images.i (did you mean "from"?)` + "\n" +
			`pulpimg.vars.yaml:1:1: f.yaml declares no variable "aa" (did you mean "a"?)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			text := head + "variables: {a: {}}\nimages: " + test.images + "\n"
			write(t, dir, map[string]string{"f.yaml": text, family.ValuesFile: test.values})
			_, err := family.Load("f.yaml", family.Options{})
			if err == nil || err.Error() != test.want {
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			}
		})
	}
	t.Run("a link that leads nowhere", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, map[string]string{"f.yaml": shape})
		if err := os.Symlink("nowhere", filepath.Join(dir, family.ValuesFile)); err != nil {
			t.Fatal(err)
		}
		if _, err := family.Load(filepath.Join(dir, "f.yaml"), family.Options{}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v, want an error about a file that does not exist", err)
		}
	})
}

func TestResolve_sourcesOfWrongValues(t *testing.T) {
	const text = head + "variables: {a: {}, b: {default: \"${{ a }}\"}, c: {default: x}}\nimages: {i: {from: scratch, user: \"${{ b }}${{ c }}\"}}\n"
	_, err := resolve(t, text, family.Options{Environ: []string{"PULPIMG_SET_a= "}, Variables: map[string]string{"c": "y"}})
	var value *family.ValueError
	if !errors.As(err, &value) {
		t.Fatalf("got %v, want a ValueError", err)
	}
	var got []string
	for _, v := range value.Variables {
		got = append(got, v.Name)
	}
	if want := []string{"a", "c"}; !cmp.Equal(want, got) {
		t.Errorf("it is about %v, want %v", got, want)
	}
	if _, err = resolve(t, text, family.Options{Variables: map[string]string{"a": "x"}}); err != nil {
		t.Error(err)
	}
	var unexplained *family.ValueError
	if _, err = resolve(t, head+"variables: {c: {default: \" \"}}\nimages: {i: {from: scratch, user: \"${{ c }}\"}}\n", family.Options{}); err == nil || errors.As(err, &unexplained) {
		t.Errorf("got %v, want an error about a value of the spec", err)
	}
}

// some is a spec in which one image uses variables that the others do not.
const some = head + `variables: {host: {}, url: {default: "https://${{ host }}/"}, port: {}, unused: {}}
kubernetes: {storage: {size: 1Gi, volumes: [/srv/a]}}
images:
  one: {from: scratch, volumes: [/srv/b]}
  two: {from: one, volumes: ["/srv/${{ port }}"]}
  three: {from: two, steps: [{run: "curl ${{ url }}"}]}
  four: {from: one, steps: [{files: [{from: x, to: "/a/${{ port }}"}, {from: x, to: "/a/${{ port }}b"}]}], labels: {"": x}}
  five: {from: "${{ host }}", user: "u"}
`

func TestResolve_variablesThatAreNotNeeded(t *testing.T) {
	const host, port = "f.yaml:5:13: the variable host has no value", "f.yaml:5:63: the variable port has no value"
	text := strings.ReplaceAll(some, `, labels: {"": x}`, "")
	for _, test := range []struct {
		name   string
		text   string
		images []string
		given  map[string]string
		want   string // the images, or the errors
	}{
		{"an image that needs none", text, []string{"one"}, nil, "one"},
		{"an image that needs one", text, []string{"two"}, nil, port},
		{"one of what it is based on", text, []string{"three"}, map[string]string{"host": "a/b"}, port},
		{"one in a default", text, []string{"three"}, map[string]string{"port": "a"}, host},
		{"one that is given", text, []string{"two"}, map[string]string{"port": "a"}, "one two"},
		{"the base", text, []string{"one", "five"}, nil, host},
		{"all images", text, nil, nil, host + "\n" + port},
		{"all images, with values", text, nil, map[string]string{"host": "a/b", "port": "a"}, "one two three four five"},
		{"no such image", text, []string{"six"}, nil, `f.yaml has no image called "six" (there is five, four, one, three, two)`},
		{"a mistake in an image that is not needed and has all values", some, []string{"one"}, map[string]string{"host": "a/b", "port": "a"},
			`f.yaml:11:117: "" is no name for a label`},
		{"settings", head + "variables: {v: {}}\nsettings: {s: {file: \"${{ v }}\", lens: pulpconf.aug}}\nimages: {i: {from: scratch}}\n", []string{"i"}, nil,
			"f.yaml:5:13: the variable v has no value"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"x": "x"})
			f, err := resolve(t, test.text, family.Options{Dir: dir, Images: test.images, Variables: test.given})
			var got string
			if err != nil {
				got = err.Error()
			} else {
				got = names(f)
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestResolve_overriddenTagNeedsNoValue(t *testing.T) {
	const text = "version: 1\nname: f\nregistry: \"${{ registry }}\"\ntag: \"${{ tag }}\"\nvariables: {registry: {}, tag: {}}\nimages: {i: {from: scratch}}\n"
	mustResolve(t, text, family.Options{Registries: []string{"r.example"}, Tags: []string{"1"}})
	_, err := resolve(t, text, family.Options{Registries: []string{"r.example"}})
	if want := "f.yaml:5:27: the variable tag has no value"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What was built with other values is stale, wherever they came from.
func TestInputs_ofValues(t *testing.T) {
	const text = head + "variables: {v: {}}\nimages: {i: {from: scratch, labels: {l: \"${{ v }}\"}}}\n"
	dir := t.TempDir()
	sum := func(opts family.Options) string {
		f, err := family.Load(filepath.Join(dir, "f.yaml"), opts)
		if err != nil {
			t.Fatal(err)
		}
		inputs, err := f.Inputs(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return inputs["i"]
	}
	write(t, dir, map[string]string{"f.yaml": text, family.ValuesFile: "v: one\n"})
	one := sum(family.Options{})
	if sum(family.Options{Variables: map[string]string{"v": "one"}}) != one {
		t.Error("the same value from elsewhere makes other images")
	}
	if sum(family.Options{Environ: []string{"PULPIMG_SET_v=two"}}) == one {
		t.Error("another value in the environment makes the same images")
	}
	write(t, dir, map[string]string{family.ValuesFile: "v: two\n"})
	if sum(family.Options{}) == one {
		t.Error("another value in the file makes the same images")
	}
}
