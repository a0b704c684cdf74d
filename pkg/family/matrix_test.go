package family_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

const matrices = head + `variables: {newest: {default: "3.13"}, mirror: {default: r.example}}
images:
  app:
    matrix: {python: ["3.12", "${{ newest }}"], flavour: [web, worker]}
    name: "app-${{ flavour }}-${{ python }}"
    from: base
    command: ["/srv/${{ flavour }}"]
    steps:
      - files: {image: tools, from: /x, to: "/opt/${{ python }}/"}
  base:
    matrix: {python: ["3.12", "3.13"]}
    name: "base-${{ python }}"
    from: "${{ mirror }}/python:${{ python }}"
  tools:
    matrix: {flavour: [web, worker]}
    name: "tools-${{ flavour }}"
    from: scratch
  docs: {from: base-3.12}
`

func TestMatrix(t *testing.T) {
	f := mustResolve(t, matrices, family.Options{})
	var got []string
	for _, i := range f.Images {
		on := i.Base
		if i.Parent != nil {
			on = i.Parent.Name
		}
		line := fmt.Sprintf("%s of %s from %s", i.Name, i.Key, on)
		for _, v := range i.Matrix {
			line += fmt.Sprintf(" %s=%s@%s", v.Name, v.Value, v.At.Start)
		}
		for _, s := range i.Sources() {
			line += " takes from " + s.Image.Name
		}
		got = append(got, line+" "+i.Reference)
	}
	want := []string{
		"base-3.12 of base from r.example/python:3.12 python=3.12@15:23 r.example/f/base-3.12:1",
		"tools-web of tools from scratch flavour=web@19:24 r.example/f/tools-web:1",
		"app-web-3.12 of app from base-3.12 python=3.12@8:23 flavour=web@8:59 takes from tools-web r.example/f/app-web-3.12:1",
		"tools-worker of tools from scratch flavour=worker@19:29 r.example/f/tools-worker:1",
		"app-worker-3.12 of app from base-3.12 python=3.12@8:23 flavour=worker@8:64 takes from tools-worker r.example/f/app-worker-3.12:1",
		"base-3.13 of base from r.example/python:3.13 python=3.13@15:31 r.example/f/base-3.13:1",
		"app-web-3.13 of app from base-3.13 python=3.13@8:31 flavour=web@8:59 takes from tools-web r.example/f/app-web-3.13:1",
		"app-worker-3.13 of app from base-3.13 python=3.13@8:31 flavour=worker@8:64 takes from tools-worker r.example/f/app-worker-3.13:1",
		"docs of docs from base-3.12 r.example/f/docs:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if app, _ := f.Image("app-worker-3.13"); app == nil || app.Config.Command[0] != "/srv/worker" || app.Steps[0].(family.Files).Copies[0].To != "/opt/3.13" {
		t.Errorf("app-worker-3.13 is %+v", app)
	}
}

// The key of a matrix names all of its images where images are selected.
func TestMatrix_selected(t *testing.T) {
	for selected, want := range map[string]string{
		"tools":        "tools-web tools-worker",
		"tools-worker": "tools-worker",
		"docs":         "base-3.12 docs",
	} {
		f := mustResolve(t, matrices, family.Options{Images: []string{selected}})
		var names []string
		for _, i := range f.Images {
			names = append(names, i.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %s, want %s", selected, got, want)
		}
	}
	_, err := resolve(t, matrices, family.Options{Images: []string{"app-web-3.1"}})
	if want := `f.yaml has no image called "app-web-3.1" (did you mean "app-web-3.12"?)`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestMatrix_errors(t *testing.T) {
	for _, test := range []struct{ name, yaml, want string }{
		{"no name", `images: {a: {matrix: {x: ["1"]}, from: scratch}}`,
			`f.yaml:5:23: images.a has a matrix, and needs a name for each of its images (such as name: "app-${{ x }}")`},
		{"no matrix", `images: {a: {name: b, from: scratch}}`, `f.yaml:5:20: images.a has a name and no matrix: its key is its name`},
		{"no variables", `images: {a: {matrix: {}, name: b, from: scratch}}`, `f.yaml:5:22: images.a.matrix has no variables
f.yaml:5:32: images.a has a name and no matrix: its key is its name`},
		{"no values", `images: {a: {matrix: {x: []}, name: "b${{ x }}", from: scratch}}`, `f.yaml:5:26: x of images.a.matrix has no values (such as ["3.11", "3.12"])`},
		{"a string in place of values", `images: {a: {matrix: {x: y}, name: "b${{ x }}", from: scratch}}`, `f.yaml:5:26: x of images.a.matrix has to be a list, not "y" (write [y])`},
		{"a number", `images: {a: {matrix: {x: [3.12]}, name: "b${{ x }}", from: scratch}}`, `f.yaml:5:27: item 1 of x of images.a.matrix has to be a string, not the number 3.12 (write "3.12")`},
		{"a value twice", `images: {a: {matrix: {x: [b, c, b]}, name: "a-${{ x }}", from: scratch}}`, `f.yaml:5:33: the matrix has "b" twice for x`},
		{"no name for a variable", `images: {a: {matrix: {x-y: [b]}, name: a, from: scratch}}`, `f.yaml:5:23: "x-y" is no name for a variable (use letters, digits and _, and begin with no digit)`},
		{"a variable of the spec", "variables: {x: {default: y}}\n" + `images: {a: {matrix: {x: [b]}, name: a, from: scratch}}`, `f.yaml:6:23: "x" is a variable of the spec, too (give one of them another name)`},
		{"one name for two", `images: {a: {matrix: {x: [b, c], y: [d]}, name: "a-${{ y }}", from: scratch}}`,
			`f.yaml:5:49: two images of the matrix are called "a-d" (the name has to have all variables of the matrix in it)`},
		{"the name of another image", `images: {a: {matrix: {x: [b, c]}, name: "${{ x }}", from: scratch}, b: {from: scratch}}`, `f.yaml:5:41: "b" is the name of another image, too`},
		{"the name of another matrix's image", `images: {a: {matrix: {x: [b]}, name: "${{ x }}", from: scratch}, c: {matrix: {x: [b]}, name: "${{ x }}", from: scratch}}`,
			`f.yaml:5:94: "b" is the name of another image, too`},
		{"a name that is none", `images: {a: {matrix: {x: [B]}, name: "a-${{ x }}", from: scratch}}`, `f.yaml:5:38: "a-B" is no name for an image (use small letters and digits, and '-', '_' or '.' between them)`},
		{"a key that is none", `images: {A: {matrix: {x: [b]}, name: "a-${{ x }}", from: scratch}}`, `f.yaml:5:10: "A" is no name for an image (use small letters and digits, and '-', '_' or '.' between them)`},
		{"an empty name", `images: {a: {matrix: {x: [""]}, name: "${{ x }}", from: scratch}}`, `f.yaml:5:39: the name of an image is empty`},
		{"outside its images", `images: {a: {matrix: {x: [b]}, name: "a-${{ x }}", from: scratch}, c: {from: scratch, user: "${{ x }}"}}`,
			`f.yaml:5:94: the variable "x" is not declared under variables`},
		{"the target in a name", `images: {a: {matrix: {x: [b]}, name: "a-${{ target.arch }}", from: scratch}}`,
			`f.yaml:5:41: target.arch is not known here: below images, the target is target.os, target.arch and target.variant`},
		{"several images", `images: {a: {matrix: {x: [b, c]}, name: "a-${{ x }}", from: scratch}, d: {from: a}}`,
			`f.yaml:5:81: a is several images: a-b, a-c (name one of them, or give this image the same matrix)`},
		{"other values", `images: {a: {matrix: {x: [b, c]}, name: "a-${{ x }}", from: scratch}, d: {matrix: {x: [c, d]}, name: "d-${{ x }}", from: a}}`,
			`f.yaml:5:122: a is several images: a-b, a-c (name one of them, or give this image's matrix the same values)`},
		{"itself", `images: {a: {matrix: {x: [b, c]}, name: "a-${{ x }}", from: a}}`, `f.yaml:5:61: the images are based on each other in a cycle: a-b -> a-b (base one of them on an image from outside)
f.yaml:5:61: the images are based on each other in a cycle: a-c -> a-c (base one of them on an image from outside)`},
		{"too many", `images: {a: {matrix: {x: [` + numbers(40) + `], y: [` + numbers(40) + `]}, name: "a-${{ x }}-${{ y }}", from: scratch}}`,
			`f.yaml:5:230: the matrix of a makes more than 1000 images`},
		{"a variable without a value", "variables: {v: {}}\n" + `images: {a: {matrix: {x: ["${{ v }}"]}, name: "a-${{ x }}", from: scratch}}`, `f.yaml:5:13: the variable v has no value`},
		{"one error for all images", `images: {a: {matrix: {x: [b, c]}, name: "a-${{ x }}", from: scratch, user: "a b"}}`, `f.yaml:5:76: "a b" is no user`},
		{"a password", `images: {a: {matrix: {pw: [s3cret]}, name: "a-${{ pw }}", from: scratch, steps: [{repo: {url: "https://u:${{ pw }}@h.example/x.repo", to: /x}}]}}`,
			`f.yaml:5:47: the variable pw holds credentials of a URL: here, everybody who has the image could read it (a run step gets a secret by its key secrets)`},
		{"a password of a variable", "variables: {v: {default: s3cret}}\n" + `images: {a: {matrix: {pw: ["${{ v }}"], h: [x]}, name: "a-${{ h }}", from: scratch, steps: [{repo: {url: "https://u:${{ pw }}@${{ h }}.example/x.repo", to: /x}}]}}`,
			`f.yaml:6:29: the variable v holds credentials of a URL: here, everybody who has the image could read it (a run step gets a secret by its key secrets)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, head+test.yaml+"\n", family.Options{})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%d",`, i+10)
	}
	return b.String()
}

// The images of a matrix are what images with the values written out would be.
func TestMatrix_writtenOut(t *testing.T) {
	f := mustResolve(t, matrices, family.Options{})
	out := mustResolve(t, head+`images:
  base-3.13: {from: "r.example/python:3.13"}
  tools-web: {from: scratch}
  app-web-3.13:
    from: base-3.13
    command: [/srv/web]
    steps:
      - files: {image: tools-web, from: /x, to: /opt/3.13/}
`, family.Options{})
	got, err := f.Inputs(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := out.Inputs(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, digest := range want {
		if got[name] != digest {
			t.Errorf("%s is another image", name)
		}
	}
}
