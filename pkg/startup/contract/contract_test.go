package contract_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

func text(s string) *string { return &s }

var sample = contract.Contract{
	Environment: []contract.Variable{
		{Name: "HOST", Default: text("127.0.0.1")},
		{Name: "DB_HOST", Default: text("${HOST}")},
		{Name: "PASSWORD", Secret: true},
		{Name: "DSN", Default: text("u:${PASSWORD}@${DB_HOST}")},
		{Name: "LOOP", Default: text("${LOOP2}")},
		{Name: "LOOP2", Default: text("${LOOP}")},
		{Name: "ODD", Default: text("$${X} & <y>")},
	},
	Settings: []contract.Settings{{Name: "s", File: "/etc/s", Lens: "s.aug", Set: []contract.Setting{{Path: "a/b", Value: "${HOST}"}}}},
	Services: []contract.Service{{Name: "db", URL: "tcp://${DB_HOST}:1", Tries: 3, Interval: time.Second, Timeout: 2 * time.Second}},
}

// Expand uses the values of the environment, and defaults where there are none.
func TestExpand(t *testing.T) {
	for _, test := range []struct {
		name, text string
		env        map[string]string
		want       contract.Value
	}{
		{"nothing to put in", "a $b c", nil, contract.Value{Text: "a $b c", Shown: "a $b c"}},
		{"a value", "<${HOST}>", map[string]string{"HOST": "h"}, contract.Value{Text: "<h>", Shown: "<h>", Variables: []string{"HOST"}}},
		{"an empty value is none", "${HOST}", map[string]string{"HOST": ""}, contract.Value{Text: "127.0.0.1", Shown: "127.0.0.1", Variables: []string{"HOST"}}},
		{"a default of a default", "${DB_HOST}", map[string]string{"HOST": "h"}, contract.Value{Text: "h", Shown: "h", Variables: []string{"DB_HOST", "HOST"}}},
		{"a secret is not shown", "x${PASSWORD}y", map[string]string{"PASSWORD": "p"}, contract.Value{Text: "xpy", Shown: "x***y", Variables: []string{"PASSWORD"}}},
		{"a secret in a default is not shown", "${DSN}", map[string]string{"PASSWORD": "p", "DB_HOST": "d"},
			contract.Value{Text: "u:p@d", Shown: "u:***@d", Variables: []string{"DSN", "PASSWORD", "DB_HOST"}}},
		{"an escape", "$${HOST} ${ODD}", nil, contract.Value{Text: "${HOST} ${X} & <y>", Shown: "${HOST} ${X} & <y>", Variables: []string{"ODD"}}},
		{"a value is not looked at again", "${HOST}", map[string]string{"HOST": "${PASSWORD}"},
			contract.Value{Text: "${PASSWORD}", Shown: "${PASSWORD}", Variables: []string{"HOST"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := contract.NewEnvironment(sample, func(name string) string { return test.env[name] }).Expand(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExpand_missing(t *testing.T) {
	env := contract.NewEnvironment(sample, func(string) string { return "" })
	for text, want := range map[string]string{"${PASSWORD}": "PASSWORD", "${DSN}": "PASSWORD", "${UNKNOWN}": "UNKNOWN"} {
		var missing *contract.MissingError
		if _, err := env.Expand(text); !errors.As(err, &missing) || missing.Variable != want {
			t.Errorf("Expand(%q): got error %v, want one about %s", text, err, want)
		}
	}
	for _, text := range []string{"${LOOP}", "${HOST"} {
		if _, err := env.Expand(text); err == nil {
			t.Errorf("Expand(%q) gave no error", text)
		}
	}
}

func TestExpand_limits(t *testing.T) {
	const last = 40
	for _, first := range []string{"", "abcdefgh"} {
		c := contract.Contract{Environment: []contract.Variable{{Name: "V0", Default: text(first)}}}
		for i := range last {
			c.Environment = append(c.Environment, contract.Variable{Name: fmt.Sprintf("V%d", i+1), Default: text(fmt.Sprintf("${V%d}${V%d}", i, i))})
		}
		_, err := contract.NewEnvironment(c, func(string) string { return "" }).Expand(fmt.Sprintf("${V%d}", last))
		if err == nil || !strings.Contains(err.Error(), "makes a text larger than 1 MiB, or gives it more than 65536 variables") {
			t.Errorf("doubling %q: %v", first, err)
		}
	}
}

// A contract is read as it was written.
func TestContract_roundTrip(t *testing.T) {
	data, err := sample.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "contract.json")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := contract.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample, got); diff != "" {
		t.Errorf("contract (-written +read):\n%s", diff)
	}
}

// Only a contract that an older program would misread says its format.
func TestContract_format(t *testing.T) {
	c := contract.Contract{Services: []contract.Service{{Name: "db", URL: "tcp://h:1"}}}
	old, err := c.Marshal()
	if err != nil || strings.Contains(string(old), "format") || strings.Contains(string(old), "command") {
		t.Errorf("%v:\n%s", err, old)
	}
	c.Services = append(c.Services, contract.Service{Name: "migrated", Command: []string{"check", "${HOST}"}, Tries: 1})
	data, err := c.Marshal()
	if err != nil || !strings.HasPrefix(string(data), "{\n  \"format\": 2,\n") || strings.Count(string(data), `"url"`) != 1 {
		t.Errorf("%v:\n%s", err, data)
	}
	name := filepath.Join(t.TempDir(), "contract.json")
	for text, want := range map[string]string{
		string(data): "",
		strings.Replace(string(data), `"format": 2`, `"format": 3`, 1):  "has the format 3, and this program reads format 2",
		strings.Replace(string(data), `"format": 2`, `"format": -1`, 1): "has the format -1, and this program reads format 2",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := contract.Read(name)
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %v, want %q", err, want)
		}
		if diff := cmp.Diff(c, got); want == "" && diff != "" {
			t.Errorf("%v, contract (-written +read):\n%s", err, diff)
		}
	}
}

// A password with special characters stays one password in a URL.
func TestExpandURL_password(t *testing.T) {
	values := map[string]string{"HOST": "a:1,b", "PASSWORD": "p@:/?#%ss"}
	env := contract.NewEnvironment(sample, func(name string) string { return values[name] })
	for text, want := range map[string]contract.Value{
		"amqp://${HOST}:${PASSWORD}@${HOST}/${PASSWORD}": {
			Text: "amqp://a%3A1,b:p%40%3A%2F%3F%23%25ss@a:1,b/p@:/?#%ss", Shown: "amqp://a%3A1,b:***@a:1,b/***",
			Variables: []string{"HOST", "PASSWORD", "HOST", "PASSWORD"},
		},
		"tcp://${HOST}/x@y": {Text: "tcp://a:1,b/x@y", Shown: "tcp://a:1,b/x@y", Variables: []string{"HOST"}},
		"${HOST}":           {Text: "a:1,b", Shown: "a:1,b", Variables: []string{"HOST"}},
	} {
		got, err := env.ExpandURL(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	var missing *contract.MissingError
	if _, err := env.ExpandURL("amqp://${UNKNOWN}@h"); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}
