package family

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Redact returns a text without the credentials that the family's URLs hold. It is for texts from elsewhere, such as an engine's errors.
func (f *Family) Redact(text string) string { return f.redactor.redact(text) }

// A redactor takes credentials out of texts. The zero value leaves all texts as they are.
type redactor struct {
	marked []string // with what makes them recognisable beside them: "user:password", "token=value"
	bare   []string // the credentials alone
}

// minSecret is how long a credential has to be for it to be looked for in the middle of texts. A shorter one would be found in any word.
const minSecret = 4

// add adds what a URL holds.
func (r *redactor) add(u URL) {
	if u.parsed == nil {
		return
	}
	if user := u.parsed.User; user.String() != "" {
		password, _ := user.Password()
		r.mark(user.Username()+":"+password, user.String()+"@", base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
		if password == "" || password == "x-oauth-basic" { // then the user is a token
			password = user.Username()
		}
		r.bare = append(r.bare, password)
	}
	u.mapQuery(func(name, value string) string {
		if value != "" && isCredential(name) {
			r.mark(name + "=" + value)
			r.bare = append(r.bare, value)
			if decoded, err := url.QueryUnescape(value); err == nil {
				r.mark(name + "=" + decoded)
				r.bare = append(r.bare, decoded)
			}
		}
		return value
	})
}

// mark adds texts that are recognisable.
func (r *redactor) mark(texts ...string) {
	for _, text := range texts {
		if len(text) >= minSecret {
			r.marked = append(r.marked, text)
		}
	}
}

// isCredential reports whether a text holds a credential for certain: nothing else looks like it.
func (r *redactor) isCredential(text string) bool {
	return slices.Contains(r.bare, text) || slices.ContainsFunc(r.marked, func(s string) bool { return strings.Contains(text, s) })
}

func (r *redactor) redact(text string) string {
	if slices.Contains(r.bare, text) {
		return hidden
	}
	var found []string
	for _, s := range slices.Concat(r.marked, r.bare) {
		for _, form := range forms(s) {
			if len(form) >= minSecret && strings.Contains(text, form) {
				found = append(found, form)
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, s := range found {
		text = strings.ReplaceAll(text, s, hidden)
	}
	return text
}

// forms returns how messages write a text: as it is, in a URL, in quotes.
func forms(text string) []string {
	quoted := strconv.Quote(text)
	return []string{text, url.QueryEscape(text), url.PathEscape(text), url.User(text).String(), quoted[1 : len(quoted)-1]}
}

// findCredentials finds out which credentials the URLs of the spec hold, and which variables are a part of them.
func (r *resolver) findCredentials() {
	r.substitute.secret = map[string]bool{}
	for _, image := range r.spec.Images {
		for _, s := range image.Value.Steps {
			if s.Repo != nil && s.Repo.URL.IsSet() {
				r.credentialsOf(s.Repo.URL)
			}
		}
	}
	// What a secret variable's default is made of is secret, too.
	for range r.spec.Variables {
		for _, v := range r.spec.Variables {
			if r.substitute.secret[v.Name.Value] && v.Value.Default != nil {
				for _, name := range specVariables(v.Value.Default.Value) {
					r.substitute.secret[name] = true
				}
			}
		}
	}
}

// maxURL bounds a URL, with its variables put in, and so the work to look for credentials in it.
const maxURL = 16 << 10

// credentialsOf finds the credentials of one URL. A variable is secret when the credentials change with it.
func (r *resolver) credentialsOf(t spec.Text) {
	if len(t.Value) > maxURL {
		r.report.Add(t.At, "", "a URL of more than %d KiB is one that no server takes", maxURL>>10)
		return
	}
	of := func(values map[string]*string) redactor {
		var found redactor
		report := spec.NewReport("")
		quiet := substituter{report: report, budget: &budget{report: report, text: maxURL}, values: values}
		if text, ok := quiet.known(t, atBuild); ok {
			if u, err := parseURL(text); err == nil {
				found.add(u)
			}
		}
		return found
	}
	own := of(r.substitute.values)
	r.redactor.bare = append(r.redactor.bare, own.bare...)
	r.redactor.marked = append(r.redactor.marked, own.marked...)
	for _, name := range specVariables(t.Value) {
		value := r.substitute.values[name]
		if value == nil {
			continue
		}
		if own.isCredential(*value) {
			r.substitute.secret[name] = true
		}
		for _, other := range []string{*value + "x", "x" + *value} {
			changed := of(with(r.substitute.values, name, other))
			if len(changed.bare) > 0 && !slices.Equal(own.bare, changed.bare) {
				r.substitute.secret[name] = true
			}
		}
	}
}

// with returns values of which one is another.
func with(values map[string]*string, name, value string) map[string]*string {
	out := map[string]*string{}
	for n, v := range values {
		out[n] = v
	}
	out[name] = &value
	return out
}
