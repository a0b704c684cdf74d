//go:build linux

package settings_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/test/needs"
)

// pieces are what random files are made of.
var pieces = []string{
	"[s]\n", "[t]\n", "[s] trailing\n", "[ u ]\t\n", "[s] ; [x]\n", "# comment\n", "; comment\n", "#\n", "\n", " \t\n", "  # indented\n", "  ; indented\n",
	"k: v\n", "k = v\n", "K=w\n", "a b : c d\n", "k:\n", "k =  \n", "k: v ; c\n", "k: v;w\n", "k: # v\n", "k: \"v\" 'w'\n", "k: v\r\n", "k: = :\n", "k: %\n",
	"k: é 漢\n", "x.y-z: 1\n", "  goes on\n", "\tgoes: on\n", "  [s]\n", "a/b: c\n", "/: c\n", "k: [x]\n",
	"no separator\n", ": no key\n", "[unclosed\n", "k: a\rb\n", "[]\n",
}

// The lens reads the values that ConfigParser reads, and it reads no file that ConfigParser does not.
func TestLens_sameAsConfigParser(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	root := t.TempDir()
	var names []string
	for n := range 400 {
		names = append(names, randomFile(t, random, filepath.Join(root, fmt.Sprintf("%d.conf", n))))
	}
	python, lens := readByConfigParser(t, names), readByLens(t, root)
	both := 0
	for i, name := range names {
		got, ok := lens[filepath.Base(name)]
		if !ok {
			continue // the lens is the stricter one
		}
		both++
		if python[i] == nil {
			t.Errorf("seed %d: the lens reads what ConfigParser does not:\n%q", seed, read(t, name))
		} else if diff := cmp.Diff(python[i], got); diff != "" {
			t.Errorf("seed %d: %q (-ConfigParser +lens):\n%s", seed, read(t, name), diff)
		}
	}
	if both < len(names)/4 || both == len(names) {
		t.Errorf("seed %d: the lens reads %d of %d files; that shows nothing", seed, both, len(names))
	}
}

func randomFile(t *testing.T, random *rand.Rand, name string) string {
	t.Helper()
	var b strings.Builder
	if random.IntN(8) > 0 {
		b.WriteString("[s]\n")
	}
	for range random.IntN(10) {
		b.WriteString(pieces[min(random.IntN(len(pieces)), random.IntN(len(pieces)))]) // the last ones, which are wrong, are rare
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Whatever the file looks like, ConfigParser reads the new values, and reads everything else as before.
func TestWrite_randomFiles(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	var names, before []string
	for n := range 80 {
		name := randomFile(t, random, filepath.Join(t.TempDir(), fmt.Sprintf("%d.conf", n)))
		names, before = append(names, name), append(before, read(t, name))
	}
	want := readByConfigParser(t, names)
	var wrote []int
	for i, name := range names {
		if want[i] == nil || writer(t).Write(t.Context(), resolved(t, name, "s/k", "new;k", "s/added", "new", "v/X.y-Z", "")) != nil {
			continue // the lens is the stricter one, which has its own test
		}
		for path, value := range map[[2]string]string{{"s", "k"}: "new;k", {"s", "added"}: "new", {"v", "x.y-z"}: ""} {
			if want[i][path[0]] == nil {
				want[i][path[0]] = map[string]string{}
			}
			want[i][path[0]][path[1]] = value
		}
		wrote = append(wrote, i)
	}
	got := readByConfigParser(t, names)
	for _, i := range wrote {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("seed %d: %q became %q (-want +got):\n%s", seed, before[i], read(t, names[i]), diff)
		}
	}
	if len(wrote) < len(names)/4 {
		t.Errorf("seed %d: %d of %d files were written; that shows nothing", seed, len(wrote), len(names))
	}
}

func readByConfigParser(t *testing.T, names []string) []map[string]map[string]string {
	t.Helper()
	needs.Tool(t, "python3")
	out, err := exec.CommandContext(t.Context(), "python3", append([]string{"testdata/read_all.py"}, names...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var values []map[string]map[string]string
	if err := json.Unmarshal(out, &values); err != nil {
		t.Fatal(err)
	}
	for _, file := range values {
		for _, section := range file {
			for key, value := range section {
				section[key] = emptyLines.ReplaceAllString(value, "\n")
			}
		}
	}
	return values
}

// emptyLines are a part of a value for Python 3 and not for Python 2; the lens keeps them apart from it.
var emptyLines = regexp.MustCompile(`\n+`)

// A node is one of Augeas' tree.
type node struct {
	Label    string `xml:"label,attr"`
	Value    string `xml:"value"`
	Children []node `xml:"node"`
}

// readByLens returns what the lens reads from each file of a directory that it can read.
func readByLens(t *testing.T, root string) map[string]map[string]map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "augtool", "--root", root, "--noautoload", "--include", writer(t).LensDirs[0],
		"--transform", "pulpconf.lns incl /*.conf", "dump-xml", "/files")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var tree struct {
		Files node `xml:"node"`
	}
	if err := xml.Unmarshal(out, &tree); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := map[string]map[string]map[string]string{}
	for _, file := range tree.Files.Children {
		files[file.Label] = valuesOf(file)
	}
	return files
}

// valuesOf reads sections and keys out of a file's tree as docs/settings.md says: the last one counts, and lines go on.
func valuesOf(file node) map[string]map[string]string {
	values := map[string]map[string]string{}
	for _, section := range file.Children {
		if section.Label != "target" {
			continue
		}
		into := values[section.Value]
		if into == nil {
			into = map[string]string{}
			values[section.Value] = into
		}
		key := ""
		for _, line := range section.Children {
			switch line.Label {
			case "", "#comment":
			case "#more":
				into[key] += "\n" + line.Value
			case "#other":
				name, value, _ := strings.Cut(line.Value, ":")
				key = strings.TrimSpace(name)
				into[key] = strings.TrimSpace(value)
			default:
				key = strings.ToLower(line.Label)
				into[key] = line.Value
			}
		}
	}
	return values
}
