package recipe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/recipe"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// said returns what is said of two specs in one folder, image by image: "IMAGE STEP LINE: TEXT", with * for what changes layers.
func said(t *testing.T, dir, name string, edit func(spec string) string, w ...world) []string {
	t.Helper()
	file := filepath.Join(dir, name)
	before := must(load(file))(t)
	var worlds [2]world
	copy(worlds[:], append(w, w...))
	if len(w) < 2 {
		worlds[0], worlds[1] = world{build: amd64}, world{build: amd64}
	}
	old := kept(t, worlds[0].recipe(t, before))
	data := must(os.ReadFile(file))(t)
	changed := edit(string(data))
	if changed == string(data) && len(w) == 0 {
		t.Fatal("the edit changes nothing")
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	f := must(load(file))(t)
	since := worlds[1].recipe(t, f).Since(old)
	var out []string
	for _, image := range f.Images {
		d := since[image.Name]
		if d.New {
			out = append(out, image.Name+" new")
		}
		for _, c := range d.Changes {
			out = append(out, image.Name+" "+saying(c, changed))
		}
	}
	return out
}

// texts returns what is said of the images of a family.
func texts(f *family.Family, since map[string]recipe.Difference) []string {
	var out []string
	for _, image := range f.Images {
		if since[image.Name].New {
			out = append(out, image.Name+" new")
		}
		for _, c := range since[image.Name].Changes {
			c.At = spec.Range{}
			out = append(out, image.Name+" "+saying(c, ""))
		}
	}
	return out
}

// saying returns a change in one line, with what is at its place in the spec.
func saying(c recipe.Change, spec string) string {
	at := ""
	if c.At.Start.Line > 0 {
		line := []rune(strings.Split(spec, "\n")[c.At.Start.Line-1])
		at = " @" + string(line[c.At.Start.Column-1:min(len(line), c.At.Start.Column+7)])
	}
	mark := ""
	if c.Content {
		mark = "*"
	}
	return mark + c.Text + at
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// kept returns a recipe as another run of the program reads it.
func kept(t testing.TB, r recipe.Recipe) recipe.Recipe {
	t.Helper()
	return must(recipe.Decode(must(r.Encode())(t)))(t)
}

func TestSince_saysItInTheWordsOfTheSpec(t *testing.T) {
	for _, test := range []struct {
		name, old, now string
		want           []string
	}{
		{"a comment", "version: 1", "version: 1 # is\n# more", nil},
		{"a package", "packages: [a, b, c]", "packages: [a, b, pulp-docker-plugins]", []string{"base *yum packages: + pulp-docker-plugins, - c @pulp-doc"}},
		{"packages in another order", "packages: [a, b, c]", "packages: [a, c, b]", []string{"base *yum packages: in another order @a, c, b]"}},
		{"more packages", "packages: [a, b, c]", "packages: [a, b, c, d1, d2, d3, d4, d5, d6]", []string{"base *yum packages: + d1, + d2, + d3, + d4 and 2 more @d1, d2, "}},
		{"no update", "update: true, ", "", []string{"base *yum update: true to false @{ groups"}},
		{"docs", "docs: false", "docs: true", []string{"base *yum docs: false to true @{ groups"}},
		{"an environment default", `PORT: { default: "8000" }`, `PORT: { default: "8001" }`, []string{`base *PORT: 8000 to 8001, which is in contract.json @"8001" }`}},
		{"a required variable", `HOST: { default: "h${PORT}" }`, `HOST: { required: true }`, []string{"base *HOST: h${PORT} to `no default`, which is in contract.json @HOST: { ", "base *HOST required: false to true, which is in contract.json @HOST: { ", "role *start require.variables: + HOST @HOST: { "}},
		{"a new variable", `NAME: {`, "MORE: { default: x }\n  NAME: {", []string{"base *MORE: + x, which is in contract.json @x }"}},
		{"a setting", `server/port: "${PORT}"`, `server/port: "1${PORT}"`, []string{`base *settings main server/port: ${PORT} to 1${PORT}, which is in contract.json @"1${PORT`}},
		{"a service", `tries: 3`, `tries: 4`, []string{"base *services db tries: 3 to 4, which is in contract.json @db: { ur"}},
		{"what a start waits for", "wait: [db, mq]", "wait: [db]", []string{"role *start wait: - mq @db]"}},
		{"the command of a start", `--port, "${PORT}"]`, `--port, "${PORT}", --fast]`, []string{"role *start command: `/bin/serve --port '${PORT}'` to `/bin/serve --port '${PORT}' --fast` @/bin/ser"}},
		{"a command before a start", "[/bin/init, two]", "[/bin/init, 'a b']", []string{"role *start init: + /bin/init 'a b', - /bin/init two @/bin/ini"}},
		{"the user of a start", "user: apache", "user: nginx", []string{"role *start user: apache to nginx @nginx"}},
		{"a line of a script", "make -j2", "make -j4", []string{"base *run: `make -j2` to `make -j4` @|"}},
		{"two lines of a script", "./configure --prefix=/usr\n            make -j2", "./configure --prefix=/opt\n            make -j4", []string{"base *run: the script changed @|"}},
		{"a line more", "            make -j2\n", "            make -j2\n            make test\n", []string{"base *run: + `make test` @|"}},
		{"the words of a command", "[go, build, ./...]", "[go, build, -v, ./...]", []string{"builder *run: `go build ./...` to `go build -v ./...` @go, buil"}},
		{"another variable of a command", `DEBUG: "1"`, `DEBUG: "1", TRACE: "2"`, []string{`base *env TRACE: + 2 @"2" }`}},
		{"a variable of a command that goes", `env: { DEBUG: "1" }`, `env: {}`, []string{"base *env DEBUG: - 1 @run:"}},
		{"caches", "cache: [{ path: /c, name: shared, lock: true }, /d]", "cache: [/e]", nil},
		{"a secret", "secrets: [npm, ssh]", "secrets: [ssh, npm, deploy]", []string{"builder *secrets: + deploy @ssh, npm"}},
		{"secrets in another order", "secrets: [npm, ssh]", "secrets: [ssh, npm]", nil},
		{"the network", ", network: none", "", []string{"builder *network: - none @run: { s"}},
		{"a mount", ", { tmpfs: /tmp }", "", []string{"base *mounts: - /tmp @run:"}},
		{"mounts in another order", "{ from: conf, to: /mnt/app }, { image: builder, from: /out, to: /mnt/out }", "{ image: builder, from: /out, to: /mnt/out }, { from: conf, to: /mnt/app }", nil},
		{"the image of a mount", "{ image: docker.io/library/busybox:1, from: /bin,", "{ image: docker.io/library/busybox:2, from: /bin,", []string{"base *mount /mnt/bb image: docker.io/library/busybox:1 to docker.io/library/busybox:2 @docker.i"}},
		{"a label", "org.example.title: base", "org.example.title: bases", []string{"base label org.example.title: base to bases @bases, o"}},
		{"a label of the family", `revision: "7"`, `revision: "8"`, []string{`base label org.example.revision: 7 to 8 @"8" }`, `small label org.example.revision: 7 to 8 @"8" }`}},
		{"a variable of the image", "LEVEL: info", "LEVEL: debug", []string{"base *env LEVEL: info to debug @debug }"}},
		{"a variable of the image that no command reads", `LEVEL: info }`, `LEVEL: info, A: "" }`, []string{"base *env A: + `` @\"\" }"}},
		{"variables in another order", `{ STAGE: "2", MORE: "${STAGE}x" }`, `{ MORE: "x", STAGE: "2" }`, []string{`base *env MORE: ${STAGE}x to x @"x", STA`, `base *env: in another order @"x", STA`}},
		{"the user", "user: root", `user: "0"`, []string{`base user: root to 0 @"0"`}},
		{"the directory", "workdir: /srv\n    volumes", "workdir: /opt\n    volumes", []string{"base *workdir: /srv to /opt @/opt"}},
		{"ports", `ports: ["8000", "9000"]`, `ports: ["8000", "9001"]`, []string{`base ports: + 9001/tcp, - 9000/tcp @"9001"]`}},
		{"volumes", "volumes: [/var/lib/a, /var/lib/b]", "volumes: [/var/lib/a]", []string{"base volumes: - /var/lib/b @/var/lib"}},
		{"the stop signal", "SIGTERM", "SIGQUIT", []string{"base stopsignal: SIGTERM to SIGQUIT @SIGQUIT", "role stopsignal: SIGTERM to SIGQUIT @require:"}},
		{"the health check", "interval: 10s, timeout", "interval: 20s, timeout", []string{"base healthcheck interval: 10s to 20s @/bin/che"}},
		{"the entrypoint", "[/usr/bin/tool, --all]", "[/usr/bin/tool]", []string{"tool entrypoint: `/usr/bin/tool --all` to `/usr/bin/tool` @/usr/bin"}},
		{"the base", `release: { default: "20" }`, `release: { default: "21" }`, []string{"base *from fedora:20 to fedora:21 @docker.i"}},
		{"another parent", "tool:\n    from: base", "tool:\n    from: small", []string{"tool *is based on small now, before on base @small"}},
		{"a parent in the place of a base", "small:\n    from: scratch", "small:\n    from: base", []string{"small *is based on base now, before on scratch @base", "small label org.example.revision: - 7"}},
		{"a step between others", "      - run: make check", "      - run: apk add curl\n      - run: make check", []string{"base *+ run apk add curl @run: apk"}},
		{"a step less", "      - run: make check\n", "", []string{"base *- run make check"}},
		{"a step elsewhere", "      - run: make check\n", "", []string{"base *moved: run make check @run: mak"}},
		{"the mode of a directory", `mode: "0750"`, `mode: "0700"`, []string{`base *directory /data mode: 0750 to 0700 @"0700", `}},
		{"another directory", "{ path: /data/x }", "{ path: /data/z }", []string{"base *directory: + /data/z, - /data/x @/data/z "}},
		{"the owner of files", `owner: "1:2"`, `owner: "1:3"`, []string{"base */srv/app: owner 1:2 to 1:3 and 4 more @files: ["}},
		{"where files go", "to: /srv/app,", "to: /srv/web,", []string{"base *app/job.py: /srv/app/job.py to /srv/web/job.py and 6 more @files: ["}},
		{"the mode of a file", `mode: "0600"`, `mode: "0644"`, []string{"base *conf/a.conf: mode 0600 to 0644 @files: ["}},
		{"what is copied of an image", "from: /out/a, to: /usr/bin/, mode", "from: /out/b, to: /usr/bin/, mode", []string{"base *files: + copy /out/b of builder to /usr/bin/, - copy /out/a of builder to /usr/bin/ @{ image:"}},
		{"the owner of what is copied", `owner: "3"`, `owner: "4"`, []string{"base *copy /bin/busybox of docker.io/library/busybox:1 to /bin/bb owner: 3 to 4 @{ image:"}},
		{"the URL of a file", "https://repos.example.com/x.repo", "https://repos.example.com/y.repo", []string{`base *https://repos.example.com/y.repo has another content @"https:/`, `base repo url: https://repos.example.com/x.repo to https://repos.example.com/y.repo @"https:/`}},
		{"a repository file", "baseurl: \"https://repos.example.com/main\"", "baseurl: \"https://repos.example.com/other\"", []string{`base *repo baseurl: https://repos.example.com/main to https://repos.example.com/other @"https:/`}},
		{"publication", "  builder:\n    publish: false\n    platform: build", "  builder:\n    publish: true", []string{`builder label org.example.revision: + 7 @"7" }`, "builder publish: false to true @builder:"}},
		{"another name", "checked:", "examined:", []string{"examined new"}},
		{"a name", "name: everything", "name: all", nil},
		{"a secret default", `TOKEN: { secret: true }`, `TOKEN: { secret: true, default: "${NAME}" }`, []string{"base *TOKEN: `no default` to xxxxx, which is in contract.json @\"${NAME}"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := copied(t, "testdata/everything")
			got := said(t, dir, "pulpimg.yaml", func(s string) string {
				s = strings.Replace(s, test.old, test.now, 1)
				if test.name == "a step elsewhere" {
					s = strings.Replace(s, "      - lens: pulpconf.aug\n", "      - run: make check\n      - lens: pulpconf.aug\n", 1)
				}
				return s
			})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSince_saysWhatHappenedOutsideOfTheSpec changes what a spec only names.
func TestSince_saysWhatHappenedOutsideOfTheSpec(t *testing.T) {
	write := func(name, content string) func(testing.TB, string) {
		return func(t testing.TB, dir string) {
			writeFile(t, filepath.Join(dir, name), content)
		}
	}
	for _, test := range []struct {
		name string
		do   func(t testing.TB, dir string)
		then world
		want []string
	}{
		{"nothing", func(testing.TB, string) {}, world{build: amd64}, nil},
		{"a file", write("app/web.py", "print(1)"), world{build: amd64}, []string{"base *app/web.py changed @files: ["}},
		{"three files and one more", func(t testing.TB, dir string) {
			for _, name := range []string{"app/web.py", "app/job.py", "app/new.py", "app/static/s.css"} {
				write(name, "other")(t, dir)
			}
		}, world{build: amd64}, []string{"base *app/job.py changed and 3 more @files: ["}},
		{"a new file", write("app/new.py", "x"), world{build: amd64}, []string{"base *+ app/new.py @files: ["}},
		{"a file less", func(t testing.TB, dir string) { must(0, os.Remove(filepath.Join(dir, "app/web.py")))(t) }, world{build: amd64}, []string{"base *- app/web.py @files: ["}},
		{"a program", func(t testing.TB, dir string) { must(0, os.Chmod(filepath.Join(dir, "app/web.py"), 0o755))(t) }, world{build: amd64}, []string{"base *app/web.py: mode 0644 to 0755 @files: ["}},
		{"a link in its place", func(t testing.TB, dir string) {
			must(0, os.Remove(filepath.Join(dir, "app/web.py")))(t)
			must(0, os.Symlink("job.py", filepath.Join(dir, "app/web.py")))(t)
		}, world{build: amd64}, []string{"base *app/web.py is a symbolic link now, before a file @files: ["}},
		{"a file with a strange name", write("app/\x1b[31mred\nline", "x"), world{build: amd64}, []string{"base *+ app/�[31mred line @files: ["}},
		{"a mounted file", write("conf/b.conf", "other"), world{build: amd64}, []string{"base *conf/b.conf changed @run:", "small *conf/b.conf changed @files: {"}},
		{"a base", nil, world{build: amd64, bases: map[string]string{"docker.io/library/fedora:20amd64": "newer"}}, []string{"base *base docker.io/library/fedora:20 moved from sha256:8cf5aeaca7d8 to sha256:804f51f71254 @docker.i"}},
		{"an image that a step takes from", nil, world{build: amd64, bases: map[string]string{"docker.io/library/busybox:1amd64": "newer"}}, []string{"base *docker.io/library/busybox:1 moved from sha256:97f4aa8a3eef to sha256:804f51f71254 @docker.i", "base *docker.io/library/busybox:1 moved from sha256:97f4aa8a3eef to sha256:804f51f71254 @docker.i"}},
		{"a fetched file", nil, world{build: amd64, fetched: map[string]string{"https://repos.example.com/x.repo": "newer"}}, []string{"base *https://repos.example.com/x.repo has another content @\"https:/"}},
		{"another machine", nil, world{build: ocispec.Platform{OS: "linux", Architecture: "arm64"}}, []string{"builder *base docker.io/library/golang:1.26 moved from sha256:22c46afa919f to sha256:41d03e132778 @docker.i", "builder *platform: linux/amd64 to linux/arm64 @build", "builder *env BUILDARCH: amd64 to arm64 @run: { s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := copied(t, "testdata/everything")
			file := filepath.Join(dir, "pulpimg.yaml")
			before := must(load(file))(t)
			old := kept(t, world{build: amd64}.recipe(t, before))
			if test.do != nil {
				test.do(t, dir)
			}
			f := must(load(file))(t)
			var got []string
			since := test.then.recipe(t, f).Since(old)
			for _, image := range f.Images {
				for _, c := range since[image.Name].Changes {
					got = append(got, image.Name+" "+saying(c, string(must(os.ReadFile(file))(t))))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSince_saysOnceWhatIsTheSameForAllPlatforms(t *testing.T) {
	arm64 := ocispec.Platform{OS: "linux", Architecture: "arm64"}
	spec := `
version: 1
name: f
registry: example.com/f
tag: "1"
images:
  a:
    from: docker.io/library/debian:12
    env: { A: "1", ARCH: "${{ target.arch }}" }
    steps:
      - run: "make ${{ target.arch }}"
`
	dir := t.TempDir()
	file := filepath.Join(dir, "f.yaml")
	of := func(spec string, w world, all ...ocispec.Platform) recipe.Recipe {
		writeFile(t, file, spec)
		return w.recipe(t, must(load(file))(t), all...)
	}
	w := world{build: amd64}
	old := kept(t, of(spec, w, amd64, arm64))
	newer := world{build: amd64, bases: map[string]string{"docker.io/library/debian:12arm64": "newer"}}
	for _, test := range []struct {
		name string
		now  recipe.Recipe
		want []string
	}{
		{"nothing", of(spec, w, amd64, arm64), nil},
		{"all", of(strings.Replace(spec, `A: "1"`, `A: "2"`, 1), w, amd64, arm64), []string{"env A: 1 to 2"}},
		{"one", of(spec, newer, amd64, arm64), []string{"base docker.io/library/debian:12 moved from sha256:6ed54daf7fc5 to sha256:804f51f71254 for linux/arm64"}},
		{"a platform less", of(spec, w, amd64), []string{"is no longer built for linux/arm64"}},
		{"a platform more", of(spec, w, amd64, arm64, ocispec.Platform{OS: "linux", Architecture: "s390x"}), []string{"is built for linux/s390x now"}},
	} {
		var got []string
		for _, c := range test.now.Since(old)["a"].Changes {
			got = append(got, c.Text)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func writeFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
