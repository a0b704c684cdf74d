package publish

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReader_Tags(t *testing.T) {
	const first = `{"name":"a/b","tags":["1","2"]}`
	var host string
	// paged gives a second page at the address of a link.
	paged := func(link string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("last") == "2" {
				fmt.Fprint(w, `{"name":"a/b","tags":["2","3"]}`)
				return
			}
			w.Header().Set("Link", strings.ReplaceAll(link, "HOST", host))
			fmt.Fprint(w, first)
		}
	}
	for _, test := range []struct {
		name  string
		serve http.HandlerFunc
		want  []string
		err   string
	}{
		{"one page", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("n") != "1000" {
				t.Errorf("it asks for %s", r.URL)
			}
			fmt.Fprint(w, first)
		}, []string{"1", "2"}, ""},
		{"none", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"name":"a/b","tags":null}`) }, nil, ""},
		{"relative link", paged(`</v2/a/b/tags/list?last=2&n=2>; rel="next"`), []string{"1", "2", "3"}, ""},
		{"relative link, without quotes", paged(`<?last=2>;rel=next`), []string{"1", "2", "3"}, ""},
		{"absolute link", paged(`<http://HOST/v2/a/b/tags/list?last=2>; rel="next"`), []string{"1", "2", "3"}, ""},
		{"second link", paged(`</other?last=2>; rel="first"; title="<x>; rel=next", </v2/a/b/tags/list?last=2>; rel="next"`), []string{"1", "2", "3"}, ""},
		{"link with another relation", paged(`</v2/a/b/tags/list?last=2>; rel="prev"`), []string{"1", "2"}, ""},
		{"link to another host", paged(`<http://registry.example.com/v2/a/b/tags/list?last=2>; rel="next"`), nil, "another host, registry.example.com"},
		{"link to another port", paged(`<http://127.0.0.1:1/v2/a/b/tags/list?last=2>; rel="next"`), nil, "another host, 127.0.0.1:1"},
		{"link in a circle", paged(`</v2/a/b/tags/list?n=1000>; rel="next"`), nil, "leads back to /v2/a/b/tags/list?n=1000"},
		{"no list", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, nil, "no list of tags"},
		{"bad tag", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"tags":["../x"]}`) }, nil, `"../x", which is none`},
		{"too long", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"tags":["1"`+strings.Repeat(" ", maxTagPage))
		}, nil, "more than 16777216 bytes"},
		{"too many", func(w http.ResponseWriter, _ *http.Request) {
			tags := make([]string, maxTags+1)
			for i := range tags {
				tags[i] = fmt.Sprintf(`"%d"`, i)
			}
			fmt.Fprint(w, `{"tags":[`+strings.Join(tags, ",")+`]}`)
		}, nil, "more than 100000 tags"},
		{"missing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, nil, "does not exist"},
		{"refused", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, nil, "wants credentials"},
	} {
		t.Run(test.name, func(t *testing.T) {
			host = serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					test.serve(w, r)
				}
			})
			got, err := newReader(t, Options{Backoff: Backoff{Attempts: 1}}).Tags(t.Context(), host+"/a/b")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the tags (-want +got):\n%s", diff)
			}
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("the error is %v, want %q", err, test.err)
			}
			if test.name == "missing" && !errors.As(err, new(*NotFoundError)) {
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

func FuzzNextLink(f *testing.F) {
	f.Add(`</v2/a/tags/list?n=2&last=x>; rel="next"`)
	f.Add(`<a>; rel="prev first", <b>; title="<"; rel=next`)
	f.Add(`<<>>;"<;rel=next`)
	f.Fuzz(func(t *testing.T, header string) {
		target, ok := nextLink([]string{header})
		if !strings.Contains(header, "<"+target+">") && ok || !ok && target != "" {
			t.Errorf("%q: %q, %v", header, target, ok)
		}
	})
}
