package family_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// An image inherits secrets, and its own goes before an inherited one with the same id. A start requires all of them, each once.
func TestResolve_secrets(t *testing.T) {
	f := familytest.Parse(t, head+`variables: { dir: { default: /etc/pki } }
images:
  base: { from: scratch, secrets: { ca: /ca, key: /key }, volumes: [/data], steps: [ helpers: [exec] ] }
  plain: { from: base, command: [x] }
  web: { from: base, secrets: { key: "${{ dir }}/key", inside: /data/key }, start: { require: { files: [/f, /ca] }, command: [x] } }
`)
	for _, test := range []struct {
		image string
		want  []family.Secret
	}{
		{"plain", []family.Secret{{ID: "ca", Path: "/ca"}, {ID: "key", Path: "/key"}}},
		{"web", []family.Secret{{ID: "key", Path: "/etc/pki/key"}, {ID: "inside", Path: "/data/key"}, {ID: "ca", Path: "/ca"}}},
	} {
		image, _ := f.Image(test.image)
		if diff := cmp.Diff(test.want, image.Workload.Secrets, cmpopts.IgnoreFields(family.Secret{}, "At")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.image, diff)
		}
	}
	var files []string
	web, _ := f.Image("web")
	for _, stage := range readScript(t, web).Stages {
		if stage.Kind == startscript.RequireFile {
			files = append(files, stage.Args[0])
		}
	}
	if diff := cmp.Diff([]string{"/f", "/ca", "/etc/pki/key", "/data/key"}, files); diff != "" {
		t.Errorf("required files (-want +got):\n%s", diff)
	}
}

// manySecrets returns that many secrets.
func manySecrets(prefix string, n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%03d: /%s%03d", prefix, i, prefix, i)
	}
	return strings.Join(out, ", ")
}

func TestResolve_secretErrors(t *testing.T) {
	const settings = "environment: {PASSWORD: {}}\nsettings: {s: {file: /etc/app/app.conf, lens: l.aug, set: {a/b: c}}}\n"
	image := func(keys string) string { return head + "images: {a: {from: scratch, " + keys + "}}\n" }
	for _, test := range []struct{ name, yaml, want string }{
		{"a relative path", image("secrets: {k: key}"), `f.yaml:5:42: the secret "key" is not absolute (it is a path in the image, from the root)`},
		{"a directory", image("secrets: {k: /keys/}"), `f.yaml:5:42: a secret is a file, and /keys/ is a directory (name the file)`},
		{"the root", image("secrets: {k: /}"), `f.yaml:5:42: a secret is a file, and / is a directory (name the file)`},
		{"a colon", image(`secrets: {k: "/a:b"}`), `f.yaml:5:42: "/a:b" has a ':', at which docker, podman and Kubernetes divide (give the file another name)`},
		{"what pulpimg has there", image("secrets: {k: /usr/bin/pulp-helper}"), `f.yaml:5:42: /usr/bin/pulp-helper is for what pulpimg starts containers with (put it somewhere else)`},
		{"a directory with what pulpimg has there", image("secrets: {k: /usr/bin}"), `f.yaml:5:42: a secret is a file, and /usr/bin is a directory with what pulpimg starts containers with (name the file)`},
		{"an id with a slash", image("secrets: {a/b: /k}"), `f.yaml:5:39: "a/b" is no id for a secret (use letters, digits, '-', '_' and '.', 253 at most)`},
		{"a variable of the same name", head + settings + "images: {a: {from: scratch, secrets: {PASSWORD: /k}}}\n",
			`f.yaml:7:39: PASSWORD is a variable of the environment as well: in a Secret of Kubernetes, both would have the same key (call one of them something else)`},
		{"the same place", image("secrets: {k: /k, l: /k}"), `f.yaml:5:39: a has the secret k at /k, and l at /k (give them places of their own)`},
		{"one in another", image("secrets: {k: /k/l, l: /k}"), `f.yaml:5:39: a has the secret k at /k/l, and l at /k (give them places of their own)`},
		{"a volume", image("volumes: [/k/data], secrets: {k: /k}"), `f.yaml:5:59: a has the secret k at /k, and the volume /k/data (put the secret into the volume, or elsewhere)`},
		{"an inherited volume", head + "images:\n  a: {from: scratch, volumes: [/v]}\n  b: {from: a, secrets: {k: /v}}\n",
			`f.yaml:7:26: b has the secret k at /v, and the volume /v (put the secret into the volume, or elsewhere)`},
		{"an inherited secret at a volume", head + "images:\n  a: {from: scratch, secrets: {k: /v}}\n  b: {from: a, volumes: [/v]}\n  c: {from: b}\n",
			`f.yaml:7:3: b has the secret k at /v, and the volume /v (put the secret into the volume, or elsewhere)`},
		{"an inherited secret at the same place", head + "images:\n  a: {from: scratch, secrets: {k: /k}}\n  b: {from: a, secrets: {l: /k}}\n  c: {from: b}\n",
			`f.yaml:7:26: b has the secret l at /k, and k at /k (give them places of their own)`},
		{"too many", image("secrets: {" + manySecrets("a", 257) + "}"), `f.yaml:5:3367: an image has 256 secrets at most`},
		{"too many with inherited ones", head + "images:\n  a: {from: scratch, secrets: {" + manySecrets("a", 256) + "}}\n  b: {from: a, secrets: {k: /k}}\n  c: {from: b, secrets: {l: /l}}\n",
			"f.yaml:7:26: with those that it inherits, b has 257 secrets, and an image has 256 at most\nf.yaml:8:26: with those that it inherits, c has 257 secrets, and an image has 256 at most"},
		{"a socket", image("secrets: {k: /run}, steps: [helpers: [exec]], start: {require: {sockets: [/run/s]}, command: [x]}"),
			`f.yaml:5:39: a has the secret k at /run, and the socket /run/s (put the secret elsewhere)`},
		{"a settings file", head + settings + "images: {a: {from: scratch, secrets: {k: /etc/app/app.conf}, steps: [helpers: [config]], start: {configure: [s], command: [x]}}}\n",
			`f.yaml:7:39: a has the secret k at /etc/app/app.conf, and writes the settings file /etc/app/app.conf (put the secret elsewhere)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, test.yaml, family.Options{})
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}
