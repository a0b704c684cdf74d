package serviceurl_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

func TestParse(t *testing.T) {
	none := url.Values{}
	for text, want := range map[string]serviceurl.URL{
		"tcp://h:1": {Scheme: "tcp", Hosts: []serviceurl.Host{{"h", "1"}}, Options: none},
		"mongodb://u:p@a:1,b/db?replicaSet=r&tls=true": {Scheme: "mongodb", User: "u", Password: "p", Hosts: []serviceurl.Host{{"a", "1"}, {"b", "27017"}},
			Path: "/db", RawQuery: "replicaSet=r&tls=true", Options: url.Values{"replicaSet": {"r"}, "tls": {"true"}}},
		"amqps://u:p%40%3A%2F%3F%23%25ss@h/%2F": {Scheme: "amqps", User: "u", Password: "p@:/?#%ss", Hosts: []serviceurl.Host{{"h", "5671"}}, Path: "/%2F", Options: none},
		"amqp://u@x:p@w@h":                      {Scheme: "amqp", User: "u@x", Password: "p@w", Hosts: []serviceurl.Host{{"h", "5672"}}, Options: none},
		"http://[::1]/a%20b?x;y#z":              {Scheme: "http", Hosts: []serviceurl.Host{{"::1", "80"}}, Path: "/a%20b", RawQuery: "x;y"},
		"http://[fe80::1%eth0]:8080":            {Scheme: "http", Hosts: []serviceurl.Host{{"fe80::1%eth0", "8080"}}},
		"redis://:pw@h":                         {Scheme: "redis", Password: "pw", Hosts: []serviceurl.Host{{"h", "6379"}}, Options: none},
	} {
		got, err := serviceurl.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestParse_wrong(t *testing.T) {
	for text, want := range map[string]string{
		"h:1":                 "this is no URL",
		"ftp://h":             `there is no support for the protocol "ftp"`,
		"tcp://h":             "it names no port",
		"tcp://:1":            "it names no host",
		"mongodb://":          "it names no host",
		"mongodb://a,,b":      "it names no host",
		"mongodb://h:0":       `"0" is no port`,
		"mongodb://h:65536":   `"65536" is no port`,
		"mongodb://h:x":       `"x" is no port`,
		"mongodb://::1":       `"::1" is not a host and port`,
		"mongodb://a b":       `"a b" is not the name of a host`,
		"amqp://a,b":          "it names 2 hosts",
		"amqp://u:%zz@h":      "a % that is not followed",
		"amqp://h/%zz":        "its path has a %",
		"amqp://h/#x":         "it has a # in it",
		"redis://h/a b":       "white space",
		"mongodb://h/?a=%zz":  "its options are not NAME=VALUE",
		"mongodb://u:p/w@h":   "write / as %2F",
		"mongodb://u:p#w@h":   "# as %23",
		"mongodb://u:1/w@h:1": "its host cannot be told",
		"http://u:pass/w@h/x": "its host cannot be told",
		"https://u:pa#w@h":    "write / as %2F",
		"http://h:x/y":        `"x" is no port`,
	} {
		_, err := serviceurl.Parse(text)
		var wrong *serviceurl.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", text, err, want)
		}
	}
}

// A URL is shown without its password.
func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"tcp://h:1":                      "tcp://h:1",
		"http://me:pass/word@h/x":        "http://me:***@h/x",
		"amqp://u@h":                     "amqp://u@h",
		"amqp://u:p@h/v":                 "amqp://u:***@h/v",
		"amqp://u:p@/:?#@h/v":            "amqp://u:***@h/v",
		"mongodb://h/?password=x":        "mongodb://h/?...",
		"u:p@h":                          "u:***@h",
		"postgres://u:p@h/?sslpassword=": "postgres://u:***@h/?...",
	} {
		if got := serviceurl.Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}

// Whatever is typed, an error or a URL comes of it, and no error has the password in it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"tcp://h:1", "mongodb://u:secret@a:1,b/db?tls=true", "amqp://u:sec/ret@h", "http://[::1]/#x", "redis://:%zz@h", "http://u@me:pass/w@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := serviceurl.Parse(text)
		if err == nil && (len(u.Hosts) == 0 || u.Hosts[0].Name == "" || u.Hosts[0].Port == "") {
			t.Errorf("%q has no host: %+v", text, u)
		}
		const secret = "S3CRET!?/#@:%"
		for _, scheme := range []string{"amqp", "http"} {
			if _, err := serviceurl.Parse(scheme + "://me:" + secret + text + "@h"); err != nil && strings.Contains(err.Error(), "S3CRET") {
				t.Errorf("the password is shown: %v", err)
			}
		}
	})
}
