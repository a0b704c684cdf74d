package dockerfile_test

import (
	"strings"
	"testing"
)

// stagesHead is a spec with an image to take from, up to the keys of the image i.
const stagesHead = "version: 1\nname: f\nregistry: example.com/f\ntag: \"1\"\nimages:\n  b:\n    publish: false\n    platform: build\n    from: example.com/x:1\n  i:\n"

func TestInstructions_stages(t *testing.T) {
	const scratch, outside = "    from: scratch\n", "    from: example.com/y:1\n"
	for _, test := range []struct{ name, image, want string }{
		{"a file of an image", scratch + "    steps: [files: { image: b, from: /out/a, to: /bin/ }]\n", "COPY --from=localhost/f/b:1 --link /out/a /bin/\n"},
		{"files of an image from outside", scratch + "    steps: [files: { image: \"example.com/t\", from: \"/o/*\", to: /x/ }]\n", "COPY --from=example.com/t --link /o/* /x/\n"},
		{"where a directory may be a link", outside + "    steps: [files: { image: b, from: /a, to: /lib/a }]\n", "COPY --from=localhost/f/b:1 /a /lib/a\n"},
		{"below what came from an image", scratch + "    steps: [files: { image: b, from: /a, to: /lib }, files: { from: file, to: /lib/x/file }]\n", "\nCOPY file /lib/x/\n"},
		{"an owner, a mode and what is left out", scratch + "    steps: [files: { image: b, from: /a, to: /opt/a, owner: \"5:6\", exclude: [\"**/*.go\"] }]\n",
			"COPY empty/ /opt/\nCOPY --from=localhost/f/b:1 --chown=5:6 --exclude=**/*.go /a /opt/a\n"},
		{"a mode", scratch + "    steps: [files: { image: b, from: /a, to: /opt/, mode: \"0400\" }]\n", "COPY empty/ /opt/\nCOPY --from=localhost/f/b:1 --chmod=0400 /a /opt/\n"},
		{"variables from a step on", scratch + "    steps: [files: { from: file, to: /a }, env: { A: b, C: \"${A}\" }]\n", "ENV A=\"b\"\nENV C=\"${A:?}\"\n"},
		{"the directory of the image", outside + "    workdir: /srv\n    steps: [run: x]\n", "WORKDIR /srv\n\n# spec.yaml:13: run x\nRUN set -eu; x\n"},
		{"a directory and a user for a step", outside + "    user: app\n    workdir: /srv\n    steps: [run: { script: x, user: web, workdir: /src }]\n",
			"USER web\nWORKDIR /src\n\n# spec.yaml:14: run x\nRUN set -eu; x\n\n# spec.yaml:13: workdir\nWORKDIR /srv\n\n# spec.yaml:12: user\nUSER app\n"},
		{"packages after another user", outside + "    user: root\n    steps: [run: { script: x, user: web }, apt: { packages: [p] }]\n", "USER root\n\n# spec.yaml:13: apt-get install p\nRUN "},
		{"variables for a command", outside + "    steps: [run: { script: x, env: { A: \"b`c$d\\\\e${PATH}\" } }]\n", "RUN set -eu; export A=\"b\\`c\\$d\\\\e${PATH:?}\"; x\n"},
		{"caches and mounts", outside + "    steps: [run: { script: x, network: none, cache: [/c, { path: /d, name: n, lock: true }], mounts: [{ tmpfs: /t }, { image: b, from: /in, to: /m }] }]\n",
			"RUN --mount=type=cache,id=f/c,target=/c,mode=0777 \\\n    --mount=type=cache,id=n,target=/d,mode=0777,sharing=locked \\\n    --mount=type=bind,from=localhost/f/b:1,source=/in,target=/m \\\n" +
				"    --mount=type=tmpfs,target=/t \\\n    --network=none \\\n    set -eu; x\n"},
		{"a secret for a user", outside + "    user: app\n    steps: [run: { script: x, user: app, secrets: [t] }]\n", "RUN --mount=type=secret,id=t,required=true,mode=0444 set -eu; x\n"},
		{"a mount of the folder", outside + "    steps: [run: { script: x, mounts: [{ from: tree, to: /m }] }]\n", "RUN --mount=type=bind,source=mounted/from,target=/m set -eu; x\n"},
		{"the target", outside + "    steps: [run: \"echo $TARGETARCH\", run: \"echo $TARGETARCH $BUILDOS\"]\n", "ARG TARGETARCH\nRUN set -eu; echo $TARGETARCH\n\n# spec.yaml:12: run echo $TARGETARCH $BUILDOS\nARG BUILDOS\nRUN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			texts, err := generateText(t, stagesHead+test.image)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(texts["i/Dockerfile"], test.want) {
				t.Errorf("the Dockerfile lacks\n%s\n\n%s", test.want, texts["i/Dockerfile"])
			}
		})
	}
}

func TestGenerate_stages(t *testing.T) {
	texts, err := generateText(t, stagesHead+"    from: scratch\n    steps: [files: { image: b, from: /out/a, to: /bin/ }]\n  t:\n    publish: false\n    from: i\n")
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]string{
		"b/Dockerfile":    {"FROM --platform=$BUILDPLATFORM example.com/x:1\n"},
		"docker-bake.hcl": {"targets = [\n    \"i\",\n    \"t\",\n  ]", "\"localhost/f/b:1\" = \"target:b\"", "output = [\"type=cacheonly\"]"},
		"build.sh":        {"build b localhost/f/b:1 ", "build i example.com/f/i:1 ", "build t localhost/f/t:1 "},
	} {
		for _, text := range want {
			if !strings.Contains(texts[file], text) {
				t.Errorf("%s lacks\n%s\n\n%s", file, text, texts[file])
			}
		}
	}
}

// Both files give an image all of its tags, in all registries. What is based on it names the first.
func TestGenerate_severalReferences(t *testing.T) {
	texts, err := generateText(t, "version: 1\nname: f\nregistries: [docker.io/f, quay.io/f]\ntags: [\"1\", latest]\nimages:\n"+
		"  i: {from: scratch, repository: a/b}\n  t:\n    from: i\n    tags: [\"2\"]\n")
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]string{
		"docker-bake.hcl": {
			`tags = ["docker.io/f/a/b:1", "docker.io/f/a/b:latest", "quay.io/f/a/b:1", "quay.io/f/a/b:latest"]`,
			`tags = ["docker.io/f/t:2", "quay.io/f/t:2"]`, `"f/a/b:1" = "target:i"`,
		},
		"build.sh":     {"build i docker.io/f/a/b:1 --tag docker.io/f/a/b:latest --tag quay.io/f/a/b:1 --tag quay.io/f/a/b:latest \"$@\"\n", "build t docker.io/f/t:2 --tag quay.io/f/t:2 "},
		"t/Dockerfile": {"FROM docker.io/f/a/b:1\n"},
	} {
		for _, text := range want {
			if !strings.Contains(texts[file], text) {
				t.Errorf("%s lacks\n%s\n\n%s", file, text, texts[file])
			}
		}
	}
}

func TestGenerate_stageErrors(t *testing.T) {
	for text, want := range map[string]string{
		"    from: example.com/y:1\n    steps: [run: { script: x, user: app }]\n":                        "spec.yaml:12:13: after this step, a Dockerfile could not go back to the user of example.com/y:1, which it does not know (add user: root to i,",
		"    from: example.com/y:1\n    steps: [run: { script: x, workdir: /a }]\n":                      "spec.yaml:12:13: after this step, a Dockerfile could not go back to the directory of example.com/y:1, which it does not know (add workdir to i)",
		"    from: scratch\n    steps: [run: { command: [x], env: { A: b } }]\n":                         "spec.yaml:12:44: a Dockerfile has no way to give variables to a single command",
		"    from: scratch\n    steps: [run: { script: x, cache: [\"/a b\"] }]\n":                        "spec.yaml:12:13: a Dockerfile has no certain way to write \"/a b\" in a mount",
		"    from: scratch\n    steps: [files: { image: b, from: /a, to: /b, exclude: [\"a b\"] }]\n":    "spec.yaml:12:20: a Dockerfile has no certain way to write the pattern \"a b\"",
		"    from: scratch\n    labels: { a: \"${{ target.arch }}\" }\n":                                 "spec.yaml:12:18: a Dockerfile is for all platforms, and this names the one that is built for (in scripts, write $TARGETARCH and the like)",
		"    from: scratch\n    steps: [files: { image: b, from: /a, to: /b, owner: \"2147483648\" }]\n": "a Dockerfile has no way to write the owner",
	} {
		_, err := generateText(t, stagesHead+text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
