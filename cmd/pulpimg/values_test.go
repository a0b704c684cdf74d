package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/familytest"
)

func envFile(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAnEnvFileIsReadAsDockerReadsIt(t *testing.T) {
	t.Setenv("FROM_HERE", "here")
	got, err := readEnvFile(envFile(t, "\ufeffA=1\r\n\n# comment\n  B= two = 2 \nC=\nQUOTED=\"q\"\nFROM_HERE\nA=last"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "last", "B": " two = 2 ", "C": "", "QUOTED": `"q"`, "FROM_HERE": "here"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAMistakeInAnEnvFileIsSaidWithoutItsValue(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\n=secret\n":      "line 2: write NAME=VALUE, or NAME",
		"A B=secret\n":        "line 1: write NAME=VALUE, or NAME",
		"export A=secret\n":   "line 1: write NAME=VALUE, or NAME",
		"A=1\nB=secr\xe9t\n":  "line 2 is not UTF-8",
		"A=1\nB=se\x00cret\n": "line 2: the value of B has a NUL byte in it, which ends a variable",
		"A=1\nB=" + strings.Repeat("s", maxVariable-1): "line 2: B and its value: more than 131071 bytes, which Linux gives no process as one variable",
		"A=1\n#" + strings.Repeat("s", 1<<20):          "line 2: more than 131071 bytes, which Linux gives no process as one variable",
		strings.Repeat("A", 254) + "=secret":           "line 1: the name of a variable has 253 characters at most, and AAAAAAAAAAAAAAAAAAAA... has 254",
		"NOT_SET_ANYWHERE\n":                           "line 1: NOT_SET_ANYWHERE is not set here: write NOT_SET_ANYWHERE=VALUE",
	} {
		if _, err := readEnvFile(envFile(t, text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// A line may be as long as a variable.
func TestALineOfAnEnvFileMayBeLong(t *testing.T) {
	value := strings.Repeat("s", maxVariable-len("A="))
	got, err := readEnvFile(envFile(t, "A="+value+"\r\n"+strings.Repeat("N", 253)+"=1"))
	if err != nil || got["A"] != value || len(got) != 2 {
		t.Errorf("%v: A has %d bytes, want %d", err, len(got["A"]), len(value))
	}
}

func TestAValueIsText(t *testing.T) {
	t.Setenv("LATIN", "secr\xe9t")
	f := familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nenvironment: {LATIN: {}}\nimages: {a: {from: scratch}}\n")
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"B=secr\xe9t"}, "--env: the value of B is not UTF-8"},
		{[]string{"LATIN"}, "--env: the value of LATIN is not UTF-8"},
		{nil, "of this environment: the value of LATIN is not UTF-8"},
		{[]string{"LATIN=secr\u00e9t"}, ""},
	} {
		got := ""
		if _, err := (&runCommand{values: values{env: test.flags}}).valuesOf(f); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("--env %q: got %q, want %q", test.flags, got, test.want)
		}
	}
}

// A name that differs from a declared one in whole words is another name.
func TestANameIsATypingErrorOrAnother(t *testing.T) {
	f := familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nenvironment: {HTTP_PROXY: {}, DB_PASSWORD: {}, WEB_SERVICE_HOST: {}, SHARD_1: {}}\nimages: {a: {from: scratch}}\n")
	for name, near := range map[string]string{
		"HTTP_PROXY": "", "HTTPS_PROXY": "", "NO_PROXY": "", "https_proxy": "", "http_proxy": "", "WEB_SERVICE_PORT": "", "DB_USER": "", "SHARD_2": "", "SHARD_10": "", "ELSE": "",
		"DB_PASWORD": "DB_PASSWORD", "db_password": "DB_PASSWORD", "DB__PASSWORD": "DB_PASSWORD", "HTP_PROXY": "HTTP_PROXY", "HTTPS_PROXI": "HTTP_PROXY",
		"WEB_SERVICE_HOTS": "WEB_SERVICE_HOST", "WEB_SERVCE_PORT": "WEB_SERVICE_HOST", "SHARD_": "SHARD_1",
	} {
		want, got := "", ""
		if near != "" {
			want = fmt.Sprintf("f.yaml declares no variable %q under environment (did you mean %q?); if it is no typing error, declare it there", name, near)
		}
		if err := checkVariable(f, name); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
}

// FuzzReadEnvFile looks for a file that is read as something else than its lines say.
func FuzzReadEnvFile(f *testing.F) {
	f.Add("A=1\nB=2\n")
	f.Add("# c\r\n\tA==\x00")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readEnvFile(envFile(t, text))
		if err != nil {
			return
		}
		for name, value := range got {
			if !variableName().MatchString(name) || strings.Contains(value, "\n") || checkValue(name, value) != nil {
				t.Errorf("%q gives %q=%q", text, name, value)
			}
			if _, here := os.LookupEnv(name); !here && !strings.Contains(text, name+"="+value) {
				t.Errorf("%q=%q is not in %q", name, value, text)
			}
		}
	})
}

func TestAServiceOfTheCommandLineLeadsSomewhere(t *testing.T) {
	for flag, want := range map[string]string{
		"db=app=mongodb,tier=data":     "db map[app:mongodb tier:data]  0",
		"db=mongo.example.com":         "db map[] mongo.example.com 0",
		"db=mongo.example.com:27018":   "db map[] mongo.example.com 27018",
		"db=192.0.2.1:1":               "db map[] 192.0.2.1 1",
		"db=2001:db8::1":               "db map[] 2001:db8::1 0",
		"db=[2001:db8::1]:2":           "db map[] 2001:db8::1 2",
		"db":                           "--service db: write NAME=KEY=VALUE for pods with a label, or NAME=HOST for what is outside",
		"=h":                           "--service =h: write NAME=KEY=VALUE for pods with a label, or NAME=HOST for what is outside",
		"db=127.0.0.1":                 `--service db=127.0.0.1: "127.0.0.1" is an address that means another machine on each machine, or no machine at all: use the address of one host`,
		"db=h:99999":                   `--service db=h:99999: "99999" is no port`,
		"db=:1":                        `--service db=:1: "" is no host name or address`,
		"db=h:1:2":                     "--service db=h:1:2: write HOST or HOST:PORT",
		"db=http://mongo.example.com/": `--service db=http://mongo.example.com/: leave out http://: a Service leads to a host, and the port says what for`,
	} {
		var got string
		if services, err := parseServices([]string{flag}); err != nil {
			got = err.Error()
		} else {
			s := services[0]
			got = strings.TrimSpace(strings.Join([]string{s.Name, fmt.Sprint(s.Selector), s.External, fmt.Sprint(s.Port)}, " "))
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", flag, got, want)
		}
	}
}

func TestRun_handsOnNothingAboutThisUser(t *testing.T) {
	f := familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nenvironment: {HOME: {default: /srv}, USER: {}, OTHER: {}, EMPTY: {}}\nimages: {a: {from: scratch}}\n")
	for name, value := range map[string]string{"HOME": "/home/me", "USER": "me", "OTHER": "other", "EMPTY": "", "UNDECLARED": "x"} {
		t.Setenv(name, value)
	}
	for _, test := range []struct {
		flags []string
		want  map[string]string
	}{
		{nil, map[string]string{"OTHER": "other"}},
		{[]string{"HOME=/given", "USER"}, map[string]string{"HOME": "/given", "USER": "me", "OTHER": "other"}},
	} {
		got, err := (&runCommand{values: values{env: test.flags}}).valuesOf(f)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("--env %v: %v (-want +got):\n%s", test.flags, err, diff)
		}
	}
}
