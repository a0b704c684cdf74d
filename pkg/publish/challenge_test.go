package publish

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestParseChallenge(t *testing.T) {
	for _, test := range []struct {
		headers []string
		want    challenge
		none    bool
	}{
		{headers: []string{`Bearer realm="https://auth.test/token",service="r.test",scope="repository:a:pull"`}, want: challenge{bearer: true, realm: "https://auth.test/token", service: "r.test"}},
		{headers: []string{`bearer realm=https , service = "a \"b\""`}, want: challenge{bearer: true, realm: "https", service: `a "b"`}},
		{headers: []string{`Basic realm="x"`}, want: challenge{basic: true}},
		{headers: []string{`Basic realm="a, Bearer realm=b"`}, want: challenge{basic: true}},
		{headers: []string{`Basic`}, want: challenge{basic: true}},
		{headers: []string{`Basic realm="x"`, `Bearer realm="t"`}, want: challenge{bearer: true, realm: "t"}},
		{headers: []string{`Negotiate abc==, Basic realm="x", Bearer realm="t",service="s"`}, want: challenge{bearer: true, realm: "t", service: "s"}},
		{headers: []string{`Negotiate`}, none: true},
		{headers: []string{`Bearer service="without a realm"`}, none: true},
		{headers: []string{``, `"`, `=`, `,`}, none: true},
		{none: true},
	} {
		got, ok := parseChallenge(http.Header{"Www-Authenticate": test.headers})
		if got != test.want || ok == test.none {
			t.Errorf("%q is read as %+v, %t, want %+v", test.headers, got, ok, test.want)
		}
	}
}

func FuzzParseChallenge(f *testing.F) {
	for _, seed := range []string{`Bearer realm="https://auth.test/token",service="r.test"`, `Negotiate abc==, Basic realm="x\"y"`, `Basic`, `a=b`, `Bearer realm="\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, o := range parseOffers(header) {
			if o.scheme == "" || !strings.Contains(header, o.scheme) {
				t.Errorf("%q offers %q", header, o.scheme)
			}
			for name, value := range o.parameters {
				if name == "" || len(value) > len(header) {
					t.Errorf("%q has the parameter %q=%q", header, name, value)
				}
			}
		}
	})
}

func TestParseToken(t *testing.T) {
	asked := time.Unix(0, 0)
	for _, test := range []struct {
		body  string
		value string
		life  time.Duration
		says  string
	}{
		{body: `{"token":"a","expires_in":400}`, value: "a", life: 300 * time.Second},
		{body: `{"access_token":"b","token":"a","expires_in":"400"}`, value: "b", life: 300 * time.Second},
		{body: `{"token":"a"}`, value: "a", life: defaultTokenLife * 3 / 4},
		{body: `{"token":"a","expires_in":0}`, value: "a", life: defaultTokenLife * 3 / 4},
		{body: `{"token":"a","expires_in":-5}`, value: "a", life: defaultTokenLife * 3 / 4},
		{body: `{"token":"a","expires_in":1e300}`, value: "a", life: maxTokenLife * 3 / 4},
		{body: `{}`, says: "has no token"},
		{body: `{"token":"a\r\nX-Header: b"}`, says: "has no token"},
		{body: `{"token":`, says: "is no token"},
		{body: `<html>`, says: "is no token"},
	} {
		got, err := parseToken([]byte(test.body), asked)
		switch {
		case test.says != "":
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: the error is %v", test.body, err)
			}
		case err != nil || got.value != test.value || got.refresh.Sub(asked) != test.life:
			t.Errorf("%s is read as %+v, %v", test.body, got, err)
		}
	}
}
