//go:build linux

package settings_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/settings"
)

// alphabet is what random values are made of: what is awkward somewhere on the way through the script, Augeas, the lens and ConfigParser.
// What is refused wherever it stands is rare, so that most values come through.
var alphabet = []string{
	`"`, `'`, "`", `\`, `\n`, `\t`, `\\`, "#", ";", " ;", " #", "%", "%%", "%(x)s", "%s", "=", ":", " = ", ": ", "[", "]", "[]", "][", "$", "${X}", "$(id)",
	"(", ")", "{", "}", "<", ">", "|", "/", "//", "*", "?", "!", ",", "~", "^", "@", "&", "+", "-", ".", "_", "  ", " ", " ", "a", "B", "7", "rem ", "set ",
	"é", "ß", "漢字", "😀", "e\u0301", "\u200b", "\u200d", "\ufeff", "\ufffd", "\U0010ffff", "\u00a0", "\u2003", "\u3000", "\u180e", "last()", "regexp('x')",
}

var inexpressible = []string{"\n", "\r", "\t", "\x00", "\v", "\f", "\x1b", "\x1c", "\x1f", "\x7f", "\u0085", "\u2028", "\u2029", "\xff", "\xc3"}

func randomValue(random *rand.Rand) string {
	var b strings.Builder
	for range random.IntN(12) {
		b.WriteString(alphabet[random.IntN(len(alphabet))])
		if random.IntN(60) == 0 {
			b.WriteString(inexpressible[random.IntN(len(inexpressible))])
		}
	}
	if random.IntN(1500) == 0 {
		return strings.Repeat(b.String(), 2000)
	}
	return b.String()
}

// Each of thousands of values is either refused, or read back as it is.
func TestWrite_roundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	accepted, refused := 0, 0
	for n := range uint64(8) {
		a, r := roundTrip(t, rand.New(rand.NewPCG(seed, n)))
		accepted, refused = accepted+a, refused+r
	}
	t.Logf("%d values accepted, %d refused", accepted, refused)
	if accepted < 1500 || refused < 200 {
		t.Error("that shows nothing")
	}
}

// roundTrip writes a file with many values and reads it back. One half of the keys is in the file already.
func roundTrip(t *testing.T, random *rand.Rand) (accepted, refused int) {
	const (
		sections = 12
		keys     = 30
	)
	var content strings.Builder
	want := map[string]map[string]string{}
	s := contract.Settings{Name: "s", Lens: lens}
	for section := range sections {
		name := fmt.Sprintf("section %d", section)
		fmt.Fprintf(&content, "[%s]\n", name)
		want[name] = map[string]string{}
		for key := range keys {
			k := fmt.Sprintf("k%d", key)
			if key%2 == 0 {
				content.WriteString(k + existing[random.IntN(len(existing))])
			}
			one := contract.Settings{File: "f", Set: set(name+"/"+k, strings.ReplaceAll(randomValue(random), "${", "$${"))}
			if _, err := settings.Resolve(one, noEnvironment); err != nil {
				refused++
				if key%2 == 0 {
					one.Set[0].Value = "v"
				} else {
					continue
				}
			}
			s.Set = append(s.Set, one.Set[0])
			want[name][k] = strings.ReplaceAll(one.Set[0].Value, "$${", "${")
		}
	}
	s.File = settingsFile(t, content.String())
	file, err := settings.Resolve(s, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	if err := writer(t).Write(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	got := configParser(t.Context(), t, s.File)
	for section, values := range want {
		for key, value := range values {
			if got[section][key] != value {
				t.Errorf("%s/%s: got %q, want %q", section, key, got[section][key], value)
			}
		}
	}
	return len(s.Set), refused
}

// existing is how a key may be in the file before.
var existing = []string{
	": old\n", " = old\n", "=\n", ":\n", "  :   old   \n", ": old ; comment\n", ": old ;\n", ": one\n  two\n", ": one\n\n# comment\n  two\n   # indented\n",
	":;old\n", ": \"old\" # no comment\r\n", ": %(x)s\n",
}

// Where a value comes from the environment, the error names the variable.
func TestResolve_unsuitableValues(t *testing.T) {
	for name, test := range map[string]struct{ value, want string }{
		"line feed":                   {"a\nb", "has a line break"},
		"carriage return":             {"a\rb", "has a line break"},
		"line feed at the end":        {"a\n", "has a line break"},
		"next line":                   {"a\u0085b", "has a line break"},
		"line separator":              {"a\u2028b", "has a line break"},
		"paragraph separator":         {"a\u2029b", "has a line break"},
		"tab":                         {"a\tb", "has a tab"},
		"NUL":                         {"a\x00b", "has a control character"},
		"file separator":              {"a\x1cb", "has a control character"},
		"delete":                      {"a\x7fb", "has a control character"},
		"space before":                {" a", "begins with white space"},
		"space after":                 {"a ", "ends with white space"},
		"space alone":                 {" ", "begins with white space"},
		"no-break space before":       {"\u00a0a", "begins with white space"},
		"ideographic space after":     {"a\u3000", "ends with white space"},
		"comment":                     {"a ;b", "has a semicolon after white space"},
		"comment after another":       {"a;b ;c", "has a semicolon after white space"},
		"comment after no-break":      {"a\u00a0;b", "has a semicolon after white space"},
		"nothing but a comment":       {";a", "begins with a semicolon"},
		"a byte that is no character": {"a\xffb", "is not UTF-8"},
		"half a character":            {"\xc3", "is not UTF-8"},
		"two quotes":                  {`""`, "which Python 2 reads as nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			c := contract.Contract{
				Environment: []contract.Variable{{Name: "ODD"}, {Name: "FINE"}},
				Settings:    []contract.Settings{{Name: "s", File: "/etc/s.conf", Lens: lens, Set: set("a/k", "${FINE}", "a/odd", "${ODD}")}},
			}
			env := contract.NewEnvironment(c, func(name string) string { return map[string]string{"ODD": test.value, "FINE": "fine"}[name] })
			_, err := settings.Resolve(c.Settings[0], env)
			if err == nil {
				t.Fatalf("%q was accepted", test.value)
			}
			for _, want := range []string{"a/odd of /etc/s.conf: ", test.want, "-e ODD=VALUE"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			if strings.ContainsAny(err.Error(), "\n\r") || strings.Contains(err.Error(), "FINE") {
				t.Errorf("got %q, want one line that names ODD alone", err)
			}
		})
	}
}

// The error for a refused value shows no secret.
func TestResolve_hidesSecrets(t *testing.T) {
	c := contract.Contract{
		Environment: []contract.Variable{{Name: "HOST"}, {Name: "PASSWORD", Secret: true}},
		Settings:    []contract.Settings{{Name: "s", File: "/etc/s.conf", Lens: lens, Set: set("a/url", "amqp://u:${PASSWORD}@${HOST}")}},
	}
	env := contract.NewEnvironment(c, func(name string) string { return map[string]string{"HOST": "h", "PASSWORD": "top\tsecret"}[name] })
	_, err := settings.Resolve(c.Settings[0], env)
	const want = `a/url of /etc/s.conf: the value "amqp://u:***@h" has a tab, which the file cannot hold: give another one with -e PASSWORD=VALUE`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// The error names every value that is refused.
func TestResolve_severalErrors(t *testing.T) {
	c := contract.Contract{Environment: []contract.Variable{{Name: "A"}, {Name: "B"}}}
	env := contract.NewEnvironment(c, func(name string) string { return map[string]string{"A": "x ", "B": ";y"}[name] })
	_, err := settings.Resolve(contract.Settings{File: "/f", Set: set("s/missing", "${C}", "s/tab", "\t", "s/both", "${A}${B}", "s/fine", "v", "what is this", "v", "s/REM", "v")}, env)
	want := `s/missing of /f: C is not set: give it with -e C=VALUE
s/tab of /f: the value "\t" has a tab, which the file cannot hold: change the spec
s/both of /f: the value "x ;y" has a semicolon after white space, which the file cannot hold: give another one with -e A=VALUE or -e B=VALUE
what is this of /f: the setting's name is not SECTION/KEY
s/REM of /f: a line that begins with this word is a comment to Python 2: use another key`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// A fingerprint is what must not change about a file that is left alone.
type fingerprint struct {
	content  string
	inode    uint64
	mode     os.FileMode
	uid, gid uint32
	modified int64
}

func fingerprintOf(t *testing.T, file string) fingerprint {
	t.Helper()
	info, err := os.Lstat(file)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return fingerprint{read(t, file), stat.Ino, info.Mode(), stat.Uid, stat.Gid, info.ModTime().UnixNano()}
}

// FuzzValue looks for a value that comes to be read back as another one.
func FuzzValue(f *testing.F) {
	for _, value := range slices.Concat(alphabet, inexpressible) {
		f.Add("a" + value + "b")
	}
	f.Fuzz(func(t *testing.T, value string) {
		file := settingsFile(t, "[s]\nk: old\n")
		set := set("s/k", strings.ReplaceAll(value, "${", "$${"), "s/new", strings.ReplaceAll(value, "${", "$${"))
		resolved, err := settings.Resolve(contract.Settings{File: file, Lens: lens, Set: set}, noEnvironment)
		if err != nil {
			return
		}
		if err := writer(t).Write(t.Context(), resolved); err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		written := read(t, file)
		line := "k: " + strings.ReplaceAll(value, "%", "%%")
		if value == "" {
			line = "k:"
		}
		if want := "[s]\n" + line + "\n" + "new" + line[1:] + "\n"; written != want {
			t.Errorf("%q: got %q, want %q", value, written, want)
		}
		if bytes.ContainsAny([]byte(written), "\r\t") {
			t.Errorf("%q: %q was written", value, written)
		}
	})
}
