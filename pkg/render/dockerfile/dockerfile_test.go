package dockerfile_test

import (
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/gendir"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/dockerfile"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/test/needs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// builtIn stands in for the built-in files: a helper for each architecture, without its megabytes.
var builtIn = fstest.MapFS{
	"pulpconf.aug":                   {Data: []byte("(* a lens *)\n")},
	"helper/pulp-helper-linux-amd64": {Data: []byte("amd64\n")},
	"helper/pulp-helper-linux-arm64": {Data: []byte("arm64\n")},
}

// generate writes the spec in a file, called name in comments.
func generate(t testing.TB, file, name string) ([]gendir.File, error) {
	t.Helper()
	s, err := spec.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := family.Resolve(s, family.Options{Dir: filepath.Dir(file), Assets: builtIn})
	if err != nil {
		t.Fatal(err)
	}
	return dockerfile.Generate(t.Context(), f, dockerfile.Options{SpecFile: name, Archs: []string{"amd64", "arm64"}})
}

func contentOf(t testing.TB, f gendir.File) string {
	t.Helper()
	if f.Mode&fs.ModeSymlink != 0 {
		return ""
	}
	r, err := f.Content()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// generateText generates from the text of a spec, beside which there are a file called file and a tree.
func generateText(t testing.TB, text string) (map[string]string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"spec.yaml": text, "file": "content", "tree/one": "1", "tree/sub/two": "2"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := generate(t, filepath.Join(dir, "spec.yaml"), "spec.yaml")
	out := map[string]string{}
	for _, f := range files {
		out[f.Path] = contentOf(t, f)
	}
	return out, err
}

const head = "version: 1\nname: f\nregistry: example.com/f\ntag: \"1\"\nimages:\n  i:\n"

func specs(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../../specs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	return files
}

func TestGenerate_golden(t *testing.T) {
	for _, file := range specs(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			files, err := generate(t, file, "specs/"+filepath.Base(file))
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join("testdata", strings.TrimSuffix(filepath.Base(file), ".yaml"))
			if *update {
				if _, err := (gendir.Folder{Dir: dir}).Write(t.Context(), files); err != nil {
					t.Fatal(err)
				}
			}
			diff, err := gendir.Folder{Dir: dir}.Check(t.Context(), files)
			if err != nil || diff != "" {
				t.Errorf("the golden files differ (-update writes them anew; %v):\n%s", err, diff)
			}
		})
	}
}

// inMemory returns files that hold their content.
func inMemory(t *testing.T, files []gendir.File) []gendir.File {
	t.Helper()
	files = slices.Clone(files)
	for i, f := range files {
		files[i].Data, files[i].Open = []byte(contentOf(t, f)), nil
	}
	return files
}

func TestGenerate_deterministic(t *testing.T) {
	for _, file := range specs(t) {
		first, err := generate(t, file, "s.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for range 25 {
			again, err := generate(t, file, "s.yaml")
			if diff := cmp.Diff(inMemory(t, first), inMemory(t, again)); err != nil || diff != "" {
				t.Fatalf("%s (-first +again, %v):\n%s", file, err, diff)
			}
		}
	}
}

// rules are those of hadolint (https://github.com/hadolint/hadolint#rules) that generated Dockerfiles could break.
var rules = []struct {
	name    string
	applies *regexp.Regexp // to instructions, their lines joined
	needs   *regexp.Regexp // nil: there must be none
}{
	{"DL3000: an absolute WORKDIR", regexp.MustCompile(`^WORKDIR `), regexp.MustCompile(`^WORKDIR "?/`)},
	{"DL3003: WORKDIR and not cd", regexp.MustCompile(`^RUN .*\bcd /`), nil},
	{"DL3004: no sudo", regexp.MustCompile(`^RUN .*\bsudo\b`), nil},
	{"DL3006: a tag or a digest", regexp.MustCompile(`^FROM `), regexp.MustCompile(`^FROM (scratch( AS \S+)?|\S+[:@][^/]+)$`)},
	{"DL3007: no latest", regexp.MustCompile(`^FROM \S+:latest`), nil},
	{"DL3009: no lists in the layer", regexp.MustCompile(`^RUN .*apt-get`), regexp.MustCompile(`apt-get .* rm -rf /var/lib/apt/lists/\* `)},
	{"DL3014: no questions", regexp.MustCompile(`apt-get .*install`), regexp.MustCompile(`apt-get --yes`)},
	{"DL3015: nothing that is only recommended", regexp.MustCompile(`apt-get .*install`), regexp.MustCompile(`--no-install-recommends`)},
	{"DL3020: ADD for URLs only", regexp.MustCompile(`^ADD `), regexp.MustCompile(`^ADD (--\S+ )*(\["|)https?://`)},
	{"DL3025: exec form", regexp.MustCompile(`^(CMD|ENTRYPOINT) `), regexp.MustCompile(`^\S+ \[.*\]$`)},
	{"DL3030: no questions", regexp.MustCompile(`^RUN .*\b(yum|dnf) `), regexp.MustCompile(`--assumeyes`)},
	{"DL3032, DL3040: no cache in the layer", regexp.MustCompile(`^RUN .*\b(yum|dnf) `), regexp.MustCompile(`target=/var/cache/dnf .*target=/var/cache/yum `)},
	{"DL4000: no MAINTAINER", regexp.MustCompile(`^MAINTAINER`), nil},
	{"a failing command ends a script", regexp.MustCompile(`^RUN [^\[].*;`), regexp.MustCompile(`^RUN (--\S+ )*set -eu; `)},
	{"no --chmod that a directory on the way would get", regexp.MustCompile(`^COPY .*--link.*--chmod`), regexp.MustCompile(`--chmod=0755`)},
}

const ruled = head + `    from: docker.io/library/debian:12
    workdir: /srv
    user: nobody
    command: [a, b]
    ports: ["80"]
    steps:
      - repo: { url: "https://example.com/x.list", to: /etc/apt/sources.list.d/x.list, sha256: "` +
	"0123456789012345678901234567890123456789012345678901234567890123" + `" }
      - apt: { packages: [python3] }
      - run: useradd app; true
      - run: "echo one\necho two\n"
      - files: { from: tree, to: /usr/share/tree }
      - files: { from: file, to: /etc/file, mode: "0600" }
      - helpers: [exec]
`

var continued = regexp.MustCompile(`\\\n *`)

func TestGenerate_lint(t *testing.T) {
	texts, err := generateText(t, ruled)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range specs(t) {
		files, err := generate(t, file, "s.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			texts[file+" "+f.Path] = contentOf(t, f)
		}
	}
	applied := map[string]bool{}
	for name, text := range texts {
		if !strings.HasSuffix(name, "/Dockerfile") {
			continue
		}
		if !strings.HasPrefix(text, "# syntax=docker/dockerfile:1\n\n# ") || strings.Contains(text, "\n\n\n") || strings.Contains(text, " \n") || !strings.HasSuffix(text, "\n") {
			t.Errorf("%s is not laid out as it should be:\n%s", name, text)
		}
		for line := range strings.Lines(continued.ReplaceAllString(text, "")) {
			line = strings.TrimSuffix(line, "\n")
			for _, rule := range rules {
				if strings.HasPrefix(line, "#") || !rule.applies.MatchString(line) {
					continue
				}
				applied[rule.name] = true
				if rule.needs == nil || !rule.needs.MatchString(line) {
					t.Errorf("%s breaks %s:\n%s", name, rule.name, line)
				}
			}
		}
	}
	for _, rule := range rules {
		if rule.needs != nil && !applied[rule.name] {
			t.Errorf("no Dockerfile has anything that this rule is about: %s", rule.name)
		}
	}
}

func TestBuildScript_shellcheck(t *testing.T) {
	needs.Tool(t, "shellcheck")
	texts, err := generateText(t, strings.Replace(ruled, "    workdir", "    labels: { a: \"one\\ntwo\" }\n    workdir", 1))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "build.sh")
	if err := os.WriteFile(name, []byte(texts["build.sh"]), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "shellcheck", name).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInstructions(t *testing.T) {
	for _, test := range []struct {
		name, image string // image: the lines of the spec below the image's name
		want        string // a part of the Dockerfile
	}{
		{"a pinned file where its directory is certain", "from: docker.io/library/fedora:20\nsteps:\n  - repo: { url: https://example.com/x, to: /etc/yum.repos.d/x.repo, sha256: '" + strings.Repeat("a", 64) + "' }\n  - yum: { packages: [x] }",
			"ADD --checksum=sha256:" + strings.Repeat("a", 64) + " --chmod=0644 https://example.com/x /etc/yum.repos.d/x.repo\n"},
		{"a file where it may have to be made", "from: example.com/x:1\nsteps:\n  - repo: { url: https://example.com/x, to: /new/x.repo }",
			"FROM scratch AS fetch-1\nADD --chmod=0644 https://example.com/x /x.repo\n"},
		{"the same, in the image", "from: example.com/x:1\nsteps:\n  - repo: { url: https://example.com/x, to: /new/x.repo }",
			"COPY --from=fetch-1 /x.repo /new/\n"},
		{"a file on a system", "from: docker.io/library/debian:12\nsteps:\n  - apt: { packages: [x] }\n  - files: { from: file, to: /usr/share/x/file }",
			"COPY --link file /usr/share/x/\n"},
		{"a file on a system of apk", "from: docker.io/library/alpine:3\nsteps:\n  - apk: { packages: [x] }\n  - files: { from: file, to: /usr/share/x/file }",
			"COPY --link file /usr/share/x/\n"},
		{"a file in a directory that apk has no use for", "from: docker.io/library/alpine:3\nsteps:\n  - apk: { packages: [x] }\n  - files: { from: file, to: /etc/yum.repos.d/file }",
			"COPY file /etc/yum.repos.d/\n"},
		{"packages of apk", "from: docker.io/library/alpine:3\nsteps:\n  - apk: { update: true, packages: [\"x>=1\"], remove: [y] }",
			"    apk upgrade; \\\n    apk add 'x>=1'; \\\n"},
		{"packages of dnf", "from: docker.io/library/fedora:42\nsteps:\n  - dnf: { enablerepo: [r], packages: [x], exclude: [\"y*\"], recommends: false }",
			"    dnf --assumeyes --setopt=keepcache=1 --setopt=metadata_expire=0 --enablerepo=r --exclude='y*' --setopt=install_weak_deps=0 install x; \\\n"},
		{"a file after a command, which may have changed the directory", "from: docker.io/library/debian:12\nsteps:\n  - apt: { packages: [x] }\n  - run: x\n  - files: { from: file, to: /usr/share/x/file }",
			"COPY file /usr/share/x/\n"},
		{"a file on a base that nothing is known of", "from: example.com/x:1\nsteps:\n  - files: { from: file, to: /etc/file }",
			"COPY file /etc/\n"},
		{"a mode out of the ordinary, in a directory that may have to be made", "from: example.com/x:1\nsteps:\n  - files: { from: file, to: /x/file, mode: '0400' }",
			"COPY file /x/\nCOPY --chmod=0400 file /x/\n"},
		{"a tree", "from: scratch\nsteps:\n  - files: { from: tree, to: /srv/app }", "COPY --link app/ /srv/app/\n"},
		{"a tree below /, a COPY for each directory that a system may have as a link", "from: example.com/x:1\nsteps:\n  - files: { from: tree, to: / }",
			"COPY --link one /\nCOPY two /sub/\n"},
		{"a path with a space and a dollar", "from: example.com/x:1\nsteps:\n  - files: { from: file, to: '/a b/$c/file' }", `COPY ["file", "/a b/\\$c/"]` + "\n"},
		{"an owner", "from: example.com/x:1\nsteps:\n  - files: { from: file, to: /x/y/file, owner: '5' }", "COPY empty/ /x/y/\nCOPY --chown=5:5 --chmod=0644 file /x/y/\n"},
		{"an owner where the directory is certain", "from: docker.io/library/debian:12\nsteps:\n  - apt: { packages: [x] }\n  - files: { from: file, to: /etc/file, owner: 'app' }", "copy file to /etc/file\nCOPY --chown=app --chmod=0644 file /etc/\n"},
		{"the owner of a tree", "from: scratch\nsteps:\n  - files: { from: tree, to: /srv/app, owner: 'root:web' }", "COPY empty/ /srv/\nCOPY --chown=root:web app/ /srv/app/\n"},
		{"the owner of what comes with others", "from: scratch\nsteps:\n  - files: [{ from: tree, to: /srv/a }, { from: tree, to: /srv, owner: '5' }]", "COPY --chown=5:5 srv/ /srv/\nCOPY --chown=5:5 sub/ /srv/sub/\nCOPY a/ /srv/a/\n"},
		{"a tree in a directory of another owner", "from: scratch\nsteps:\n  - directory: { path: /srv, owner: '5' }\n  - files: { from: file, to: /srv/a/file }", "COPY file /srv/a/\n"},
		{"a directory", "from: scratch\nsteps:\n  - directory: { path: /srv/app, owner: '5:6', mode: '2775' }", "COPY empty/ /srv/\nCOPY --chown=5:6 --chmod=2775 directory/ /srv/\n"},
		{"a directory without more", "from: scratch\nsteps:\n  - directory: { path: /srv }", "COPY --chmod=0755 directory/ /\n"},
		{"a script", "from: example.com/x:1\nsteps:\n  - run: |\n      one\n      # two", "RUN [\"/bin/sh\", \"-euc\", \"\\\none\\n\\\n\\u0023 two\\n\\\n\"]\n"},
		{"a secret", "from: example.com/x:1\nsteps:\n  - run: { script: x, secrets: [token] }", "RUN --mount=type=secret,id=token,required=true set -eu; x\n"},
		{"no tag is made up", "from: example.com/x", "FROM example.com/x\n"},
		{"a label with a newline", "from: scratch\nlabels: { a: \"one\\n$two\" }", `LABEL a="one${NEWLINE:?}\$two"` + "\n"},
		{"a stop signal", "from: scratch\nstopsignal: SIGRTMIN+3", "# spec.yaml:8: stopsignal\nSTOPSIGNAL SIGRTMIN+3\n"},
		{"a stop signal of a start", "from: scratch\nstopsignal: '3'\nsteps: [helpers: [exec]]\nstart: { command: [c] }", "# spec.yaml:8: stopsignal\nSTOPSIGNAL 3\n\n# spec.yaml:10: start\nENTRYPOINT "},
		{"no stop signal of a start", "from: scratch\nsteps: [helpers: [exec]]\nstart: { command: [c] }", "# spec.yaml:9: start\nSTOPSIGNAL SIGTERM\nENTRYPOINT "},
		{"a health check", "from: scratch\nhealthcheck: { command: [/a, 'b \"$c\"'], interval: 90s, retries: 2 }",
			"# spec.yaml:8: healthcheck\n" + `HEALTHCHECK --interval=1m30s --retries=2 CMD ["/a", "b \"$c\""]` + "\n"},
		{"a health check of a shell", "from: scratch\nhealthcheck:\n  script: |\n    [ -e /x ] && echo \"$A\" << 'b' \\ c", "HEALTHCHECK CMD [ -e /x ] && echo \"$A\" << 'b' \\ c\n"},
		{"no health check", "from: example.com/x:1\nhealthcheck: none", "# spec.yaml:8: healthcheck\nHEALTHCHECK NONE\n"},
		{"a start without the health check that its base may have", "from: example.com/x:1\nsteps: [helpers: [exec]]\nstart: { command: [c] }", "STOPSIGNAL SIGTERM\nHEALTHCHECK NONE\nENTRYPOINT "},
		{"a start with a health check", "from: example.com/x:1\nsteps: [helpers: [exec]]\nstart: { command: [c] }\nhealthcheck: { command: [a] }",
			"# spec.yaml:10: healthcheck\nHEALTHCHECK CMD [\"a\"]\n\n# spec.yaml:9: start\nSTOPSIGNAL SIGTERM\nENTRYPOINT "},
	} {
		t.Run(test.name, func(t *testing.T) {
			texts, err := generateText(t, head+"    "+strings.ReplaceAll(test.image, "\n", "\n    ")+"\n")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(texts["i/Dockerfile"], test.want) {
				t.Errorf("the Dockerfile lacks\n%s\n\n%s", test.want, texts["i/Dockerfile"])
			}
		})
	}
}

func TestContainerfile(t *testing.T) {
	for name, test := range map[string]struct{ steps, lacks, has string }{
		"a COPY":             {"      - files: { from: file, to: /x/file }\n", "COPY --link file", "COPY file /x/\n"},
		"a line of a script": {"      - files: { from: file, to: /x/file }\n      - run: |\n          cat <<E\n          COPY --link a b\n          E\n", "COPY --link file", "COPY --link a b"},
		"after a comment that ends in a backslash": {"      - files: { from: file, to: '/x/a\\' }\n", "--link", "/x/"},
	} {
		t.Run(name, func(t *testing.T) {
			texts, err := generateText(t, head+"    from: scratch\n    steps:\n"+test.steps)
			if err != nil {
				t.Fatal(err)
			}
			got := texts["i/Containerfile"]
			if _, body, _ := strings.Cut(got, "take this file.\n"); strings.Contains(body, test.lacks) || !strings.Contains(body, test.has) {
				t.Errorf("it has %q or lacks %q:\n%s\nthe Dockerfile:\n%s", test.lacks, test.has, got, texts["i/Dockerfile"])
			}
		})
	}
}

func TestGenerate_errors(t *testing.T) {
	for text, want := range map[string]string{
		"    from: scratch\n    labels: { \"a=b\": c }\n":                                                         "spec.yaml:8:15: ",
		"    from: scratch\n    steps:\n      - repo: { url: https://example.com/x.git, to: /etc/x }\n":           "spec.yaml:9:9: ",
		"    from: scratch\n    steps:\n      - repo: { url: \"https://example.com/x.git?a=b#c\", to: /etc/x }\n": "spec.yaml:9:9: ",
		"    from: scratch\n    steps:\n      - repo: { url: \"https://me:hunter2@h/r\", to: /etc/x }\n":          "spec.yaml:9:9: a Dockerfile would show the credentials for https://h/r (",
		"    from: scratch\n    steps:\n      - repo: { url: \"https://h/r?token=hunter2\", to: /etc/x }\n":       "spec.yaml:9:9: a Dockerfile would show the credentials for https://h/r?token=xxxxx (",
		"    from: scratch\n    steps:\n      - directory: { path: /x, owner: \"2147483648\" }\n":                 "spec.yaml:9:9: a Dockerfile has no way to write the owner 2147483648: its numbers end at 2147483647",
		"    from: scratch\n    steps:\n      - files: { from: file, to: /x, owner: \"0:2147483648\" }\n":         "spec.yaml:9:9: a Dockerfile has no way to write the owner 0:2147483648: its numbers end at 2147483647",
		"    from: scratch\n  build.sh:\n    from: scratch\n":                                                     "spec.yaml:8:3: the folder of the image build.sh ",
		"    from: scratch\n  docker-bake.hcl:\n    from: i\n":                                                    "spec.yaml:8:3: the folder of the image docker-bake.hcl ",
		"    from: scratch\n    healthcheck: { script: \"a\\nb\" }\n":                                             "spec.yaml:8:28: a Dockerfile has no way to write this script",
		"    from: scratch\n    healthcheck: { script: '[\"a\"]' }\n":                                             "spec.yaml:8:28: ",
		"    from: scratch\n    healthcheck: { script: '[1]' }\n":                                                 "spec.yaml:8:28: ",
		"    from: scratch\n    healthcheck: { script: ' a' }\n":                                                  "spec.yaml:8:28: ",
		"    from: scratch\n    healthcheck: { script: 'a ' }\n":                                                  "spec.yaml:8:28: ",
		"    from: scratch\n    healthcheck: { script: 'a\\' }\n":                                                 "spec.yaml:8:28: ",
	} {
		_, err := generateText(t, head+text)
		var errs spec.Errors
		if !errors.As(err, &errs) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error at %s", err, want)
		}
	}
}

// No file of a build context has a name that builders look for.
func TestGenerate_reservedNames(t *testing.T) {
	for _, name := range []string{"Dockerfile.dockerignore", "containerfile.dockerignore", "Containerfile.containerignore", "dockerfile.containerignore"} {
		texts, err := generateText(t, head+"    from: scratch\n    steps:\n      - files: { from: file, to: /x/"+name+" }\n")
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := texts["i/"+name]; ok || texts["i/2/"+name] == "" {
			t.Errorf("%s is in a builder's way:\n%s", name, texts["i/Dockerfile"])
		}
	}
}
