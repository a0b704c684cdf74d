package family_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// fetched returns the URL of the only step of a spec.
func fetched(t *testing.T, address string) family.URL {
	t.Helper()
	return mustResolve(t, step(`repo: {url: "`+address+`", to: /r}`), family.Options{}).Images[0].Steps[0].(family.Fetch).URL
}

func TestURL_hidesCredentials(t *testing.T) {
	for _, test := range []struct{ address, shown, request, login string }{
		{"https://h/r", "https://h/r", "https://h/r", ""},
		{"https://me:hunter2@h:8443/r", "https://h:8443/r", "https://h:8443/r", "me:hunter2"},
		{"https://me:p%40ss%2Fword@h/r", "https://h/r", "https://h/r", "me:p@ss/word"},
		{"https://ghp_token@h/r", "https://h/r", "https://h/r", "ghp_token:"},
		{"https://@h/r", "https://h/r", "https://h/r", ""},
		{"https://h/r?repo=fedora-20&arch=x86_64", "https://h/r?repo=fedora-20&arch=x86_64", "https://h/r?repo=fedora-20&arch=x86_64", ""},
		{"https://h/r?a=b&private_token=s3cret&c", "https://h/r?a=b&private_token=xxxxx&c", "https://h/r?a=b&private_token=s3cret&c", ""},
		{"https://h/r?X-Amz-Signature=0f0f&X-Amz-Expires=60", "https://h/r?X-Amz-Signature=xxxxx&X-Amz-Expires=60", "https://h/r?X-Amz-Signature=0f0f&X-Amz-Expires=60", ""},
		{"https://h/r?sv=1&sig=a%2Fb%3D", "https://h/r?sv=1&sig=xxxxx", "https://h/r?sv=1&sig=a%2Fb%3D", ""},
		{"https://me:hunter2@h/r?apiKey=s3cret", "https://h/r?apiKey=xxxxx", "https://h/r?apiKey=s3cret", "me:hunter2"},
		{"https://h/r?token=", "https://h/r?token=", "https://h/r?token=", ""},
	} {
		t.Run(test.address, func(t *testing.T) {
			u := fetched(t, test.address)
			asJSON, err := json.Marshal(map[string]family.URL{"u": u})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{fmt.Sprint(u), fmt.Sprintf("%+v %#v %q", u, u, u), fmt.Sprintf("%v", family.Fetch{URL: u}), string(asJSON)} {
				for _, secret := range []string{"hunter2", "p%40ss", "p@ss", "ghp_", "s3cret", "0f0f", "a%2Fb"} {
					if strings.Contains(text, secret) {
						t.Errorf("it is printed as %s", text)
					}
				}
			}
			if u.String() != test.shown || u.Request() != test.request {
				t.Errorf("shown as %s and requested as %s, want %s and %s", u, u.Request(), test.shown, test.request)
			}
			want := ""
			if test.login != "" {
				want = "Basic " + base64.StdEncoding.EncodeToString([]byte(test.login))
			}
			if got := u.Authorization(); got != want || u.HasCredentials() != (want != "" || test.shown != test.request) {
				t.Errorf("the header is %q, want %q; has credentials: %t", got, want, u.HasCredentials())
			}
		})
	}
}

const withVariables = head + `variables: {user: {default: me}, password: {}, cred: {default: "${{ user }}:${{ password }}"}, host: {default: h}, all: {default: "https://me:hunter2@h/r"}, tok: {default: t0ken}}
images:
  a:
    from: scratch
    steps:
      - repo: { url: "https://${{ user }}:${{ password }}@${{ host }}/a", to: /a }
      - repo: { url: "https://${{ host }}/a?token=${{ tok }}", to: /b }
      - repo: { url: "${{ all }}", to: /c }
`

func TestResolve_secretVariables(t *testing.T) {
	f := mustResolve(t, withVariables, family.Options{Variables: map[string]string{"password": "hunter2"}})
	secret := map[string]bool{"password": true, "cred": true, "all": true, "tok": true}
	for _, v := range f.Variables {
		if v.Secret != secret[v.Name] {
			t.Errorf("%s is secret: %t", v.Name, v.Secret)
		}
	}
	joined := mustResolve(t, strings.Replace(withVariables, "${{ user }}:${{ password }}@", "${{ cred }}@", 1), family.Options{Variables: map[string]string{"password": ""}})
	for _, v := range joined.Variables {
		if (v.Name == "password" || v.Name == "cred") && !v.Secret {
			t.Errorf("%s, which the credentials are made of, is not secret", v.Name)
		}
	}
}

// A URL is often put together in a variable, from a host that other things need too.
func TestResolve_secretDefaults(t *testing.T) {
	const variables = "variables: {user: {default: me}, pw: {default: hunter2}, host: {default: h}, copy: {default: \"${{ pw }}\"}, url: {default: \"https://${{ user }}:${{ pw }}@${{ host }}/r\"}}\n"
	const refused = "f.yaml:6:42: the variable %s holds credentials of a URL: here, everybody who has the image could read it (a run step gets a secret by its key secrets)"
	for _, test := range []struct {
		name, url, label string
		set              map[string]string
		refused          bool
	}{
		{"the host of the URL", "${{ url }}", "host", nil, false},
		{"the user", "${{ url }}", "user", nil, false},
		{"the password", "${{ url }}", "pw", nil, true},
		{"the URL", "${{ url }}", "url", nil, true},
		{"another variable with the password", "${{ url }}", "copy", nil, true},
		{"the same when the URL names the password", "https://me:${{ pw }}@h/r", "copy", nil, true},
		{"another URL with the password", "https://me:${{ pw }}@h/r", "url", nil, true},
		{"the password of a default that is not used", "${{ url }}", "pw", map[string]string{"url": "https://me:s3cret@h/r"}, false},
		{"a variable that was set to something else", "${{ url }}", "copy", map[string]string{"copy": "c"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, head+variables+`images: {a: {from: scratch, labels: {l: "${{ `+test.label+` }}"}, steps: [repo: {url: "`+test.url+"\", to: /r}]}}\n", family.Options{Variables: test.set})
			if want := strings.Replace(refused, "%s", test.label, 1); test.refused && (err == nil || err.Error() != want) || !test.refused && err != nil {
				t.Errorf("error %v, want one: %t", err, test.refused)
			}
		})
	}
}

// Many variables and many URLs take time for each other.
func TestResolve_manyURLs(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + "variables:\n  v0: { default: hunter2 }\n")
	for i := range 4000 {
		fmt.Fprintf(&b, "  v%d: { default: \"${{ v%d }}\" }\n", i+1, i)
	}
	b.WriteString("images:\n")
	for i := range 4000 {
		if i%100 == 0 {
			fmt.Fprintf(&b, "  a%d:\n    from: scratch\n    steps:\n", i)
		}
		fmt.Fprintf(&b, "      - repo: { url: \"https://me%d:${{ v4000 }}@h/${{ v1 }}\", to: /r%d }\n", i, i)
	}
	started := time.Now()
	f := mustResolve(t, b.String(), family.Options{})
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if v := f.Variables[0]; !v.Secret {
		t.Errorf("%s, which a password is made of, is not secret", v.Name)
	}
}

func TestFamily_Redact(t *testing.T) {
	for _, test := range []struct{ name, address, text, want string }{
		{"a password", "https://me:hunter2@h/r", `Get "https://me:hunter2@h/r": 401 for hunter2`, `Get "https://xxxxxh/r": 401 for xxxxx`},
		{"an escaped one", "https://me:a%20b%2Fc@h/r", "a b/c a%20b%2Fc a+b%2Fc", "xxxxx xxxxx xxxxx"},
		{"one in quotes", `https://me:a%22bc@h/r`, `"a\"bc"`, `"xxxxx"`},
		{"a header", "https://me:hunter2@h/r", "Authorization: Basic bWU6aHVudGVyMg==", "Authorization: Basic xxxxx"},
		{"a token", "https://h/r?token=abcdef&v=1", "h/r?token=abcdef&v=1, abcdef", "h/r?xxxxx&v=1, xxxxx"},
		{"a short one where it cannot be another word", "https://u:p@h/r", "u:p@h, up and p", "xxxxxh, up and p"},
		{"a short one alone", "https://u:p@h/r", "p", "xxxxx"},
		{"nothing", "https://h/r?v=1", "h/r?v=1", "h/r?v=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustResolve(t, step(`repo: {url: '`+test.address+`', to: /r}`), family.Options{})
			if got := f.Redact(test.text); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestHideCredentials(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`- repo: { url: "https://me:hünter@h/r" }`, `- repo: { url: "https://xxxxxxxxx@h/r" }`},
		{`url: https://me:pa/ss@h/r`, `url: https://xxxxxxxx@h/r`},
		{`http://token@h/r?sig=abc&x=y`, `http://xxxxx@h/r?sig=xxx&x=y`},
		{"https://me:p@ss@h/r, https://to@ken@h/r", "https://xxxxxxx@h/r, https://xxxxxx@h/r"},
		{"https://me:pw@h/v2/a@sha256:00", "https://xxxxx@h/v2/a@sha256:00"},
		{"mongodb://u:p@db/x", "mongodb://xxx@db/x"},
		{"GET http://127.0.0.1:5000/v2/a@sha256:00: 404", "GET http://127.0.0.1:5000/v2/a@sha256:00: 404"},
		{"ssh://me@host and oci-layout://a/b@sha256:0", "ssh://me@host and oci-layout://a/b@sha256:0"},
	} {
		if got := family.HideCredentials(test.text); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}
