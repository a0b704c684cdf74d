package parity

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	seed  = flag.Uint64("seed", 0, "of the random specs; 0 takes another one each time")
	specs = flag.Int("specs", 30, "how many random specs")
)

func TestParity_random(t *testing.T) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	for n := range *specs {
		seed := first + uint64(n)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := generator{Rand: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir()}
			file := g.spec(t)
			t.Cleanup(func() {
				if t.Failed() {
					text, err := os.ReadFile(file)
					t.Logf("again with -run %s -seed %d -specs 1 (%v)\n%s", "Random", seed, err, text)
				}
			})
			same(t, resolve(t, file, nil))
		})
	}
}

// A generator makes random specs. Whatever it makes can be built.
type generator struct {
	*rand.Rand
	dir   string // of the spec
	files int
	shell bool // the base has one
}

type object map[string]any

func (g *generator) spec(t *testing.T) string {
	t.Helper()
	bases := []string{"scratch", on.lab.Registry + "/files:1", "docker.io/library/fedora:20"}
	from := bases[g.IntN(len(bases))]
	g.shell = strings.HasSuffix(from, "fedora:20")
	images := object{}
	for i := range 1 + g.IntN(3) {
		image := g.image(t)
		image["from"] = from
		if i > 0 {
			image["from"] = fmt.Sprintf("image-%d", g.IntN(i))
		}
		images[fmt.Sprintf("image-%d", i)] = image
	}
	// JSON is YAML too.
	data, err := json.MarshalIndent(object{"version": 1, "name": "random", "registry": "docker.io/lab", "tag": "1", "images": images}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(g.dir, "pulpimg.yaml")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func (g *generator) image(t *testing.T) object {
	t.Helper()
	steps := []object{}
	for range g.IntN(4) {
		switch {
		case g.shell && g.IntN(3) == 0:
			steps = append(steps, object{"run": g.command()})
		default:
			steps = append(steps, object{"files": g.copies(t)})
		}
	}
	image := object{"steps": steps}
	if g.IntN(2) == 0 {
		image["labels"] = object{"a": g.text(), "b.c": g.text()}
	}
	if g.IntN(2) == 0 {
		image["env"] = object{"V1": g.text(), "V2": g.text()} // no text has these names, so none names a variable
	}
	for _, pair := range []struct {
		key   string
		value any
	}{
		{"user", g.pick("1000", "0:0", "root")}, {"workdir", g.place()}, {"volumes", []string{g.place(), g.place()}}, {"ports", []string{"80", "53/udp"}},
		{"entrypoint", []string{"p" + g.text(), g.text()}}, {"command", []string{"p" + g.text(), g.text()}},
		{"stopsignal", g.pick("SIGQUIT", "HUP", "12", "SIGRTMIN+3", "RTMAX")}, {"healthcheck", g.check()},
	} {
		if g.IntN(3) == 0 {
			image[pair.key] = pair.value
		}
	}
	return image
}

func (g *generator) check() any {
	switch g.IntN(3) {
	case 0:
		return "none"
	case 1:
		return object{"script": g.pick("true", `[ "$A" ] || exit 1`, `test -e '#' \\ "\t" <<E ${B}`), "timeout": "1ms", "start_interval": "2h"}
	}
	return object{"command": []string{"p" + g.text(), g.text()}, "interval": "1m30s", "retries": 1 + g.IntN(9), "start_period": "1500ms"}
}

func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }

// pieces are of everything that means something to somebody on the way.
var pieces = []string{"a", "B", " ", "  ", "'", `"`, `\`, `\\`, "$", "$a", "$$", "${", "}", "#", "\n", "\t", "<<EOF", "[", "]", "*", "?", "!", "`", "&&", ";", "=", ",", ":", "%", "é", "☃"}

func (g *generator) text() string {
	var b strings.Builder
	for range g.IntN(8) {
		b.WriteString(pieces[g.IntN(len(pieces))])
	}
	return strings.ReplaceAll(b.String(), "${", "$${") // as a spec spells it
}

// name is a file's name. Those of directories begin with d, so that no file is ever where a directory has to be.
func (g *generator) name() string {
	g.files++
	return fmt.Sprintf("f%d%s", g.IntN(4), g.pick("", "", "", " x", "'", `"q"`, "$y", `\z`, "[a]", "*", "#", "<<E", "☃"))
}

// place is a directory of the image: one that every base has, one that it has as a link, one with a mode of its own, or a new one.
func (g *generator) place() string {
	return path.Join(g.pick("/", "/etc", "/usr/share", "/usr/lib", "/lib", "/var/run", "/tmp", "/opt", "/srv", "/alias", "/real"),
		g.pick("", "", "d1", "d2", "d1/d2", "d1/d3", "d 4", "d$5", "d'6"))
}

// command changes directories that files are put into.
func (g *generator) command() string {
	at := g.pick("/opt", "/srv", "/real")
	script := g.pick(
		fmt.Sprintf("mkdir -p %s/d1/d2 && chmod 0700 %s/d1", at, at),
		fmt.Sprintf("mkdir -p %s/d1 && chown 1:2 %s/d1", at, at),
		"mkdir -p /real && { test -e /alias || ln -s real /alias; }",
		"rm -rf /srv/d1 /opt/d2",
		"# a comment\ncat > /said <<END\n# said\n  $HOME\nEND\nid -u >> /said; pwd >> /said",
		`printf '%s\n' "$HOME" 'it'"'"'s' > /said`,
	)
	return script
}

// copies copies a file, a tree or several.
func (g *generator) copies(t *testing.T) any {
	t.Helper()
	if g.IntN(2) == 0 {
		return g.copy(t, g.name(), 1, g.place()+"/")
	}
	return []object{g.copy(t, g.name(), 1, g.place()+"/d8/"), g.copy(t, "tree", 1+g.IntN(12), path.Join(g.place(), "d9"))}
}

func (g *generator) copy(t *testing.T, name string, files int, to string) object {
	t.Helper()
	g.files++
	from := path.Join(fmt.Sprint("copied-", g.files), name)
	for n := range files {
		at := from
		if name == "tree" {
			at = path.Join(from, g.pick("", "d1", "d1/d2", "d 3"), fmt.Sprint(g.name(), n))
		}
		g.write(t, at)
	}
	if name == "tree" && g.IntN(3) == 0 {
		if err := os.Symlink("d1/nowhere", filepath.Join(g.dir, from, "link")); err != nil {
			t.Fatal(err)
		}
	}
	copied := object{"from": from, "to": strings.ReplaceAll(path.Clean(to), "//", "/")}
	if name != "tree" && strings.HasSuffix(to, "/") {
		copied["to"] = strings.TrimSuffix(path.Clean(to), "/") + "/"
	}
	if g.IntN(4) == 0 {
		copied["mode"] = g.pick("0644", "0755", "0600", "0440", "4755", "2755", "1644")
	}
	return copied
}

func (g *generator) write(t *testing.T, at string) {
	t.Helper()
	at = filepath.Join(g.dir, at)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	mode := os.FileMode(0o644)
	if g.IntN(3) == 0 {
		mode = 0o755
	}
	if err := os.WriteFile(at, []byte(g.text()), mode); err != nil {
		t.Fatal(err)
	}
	if g.IntN(6) == 0 {
		if err := os.MkdirAll(filepath.Join(filepath.Dir(at), "d-empty"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
