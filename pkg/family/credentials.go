package family

import (
	"cmp"
	"encoding/base64"
	"maps"
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
	forms  []string // all of them as texts may have them
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

// merge adds what another redactor has.
func (r *redactor) merge(other redactor) {
	r.marked = append(r.marked, other.marked...)
	r.bare = append(r.bare, other.bare...)
}

func (r *redactor) redact(text string) string {
	if slices.Contains(r.bare, text) {
		return hidden
	}
	for _, form := range r.forms {
		text = strings.ReplaceAll(text, form, hidden)
	}
	return text
}

// prepare finds out all forms of what was added, the longest first: a shorter one may be a part of a longer one.
func (r *redactor) prepare() {
	r.marked, r.bare = once(r.marked), once(r.bare)
	for _, s := range slices.Concat(r.marked, r.bare) {
		r.forms = append(r.forms, forms(s)...)
	}
	r.forms = slices.DeleteFunc(once(r.forms), func(form string) bool { return len(form) < minSecret })
	slices.SortFunc(r.forms, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
}

// forms returns how messages write a text: as it is, in a URL, in quotes.
func forms(text string) []string {
	quoted := strconv.Quote(text)
	return []string{text, url.QueryEscape(text), url.PathEscape(text), url.User(text).String(), quoted[1 : len(quoted)-1]}
}

// findCredentials finds out which credentials the URLs of the spec hold, and which variables are a part of them.
func (r *resolver) findCredentials() {
	r.substitute.secret = map[string]bool{}
	report := spec.NewReport("") // what is wrong with a URL is reported with its step
	finder := credentialFinder{resolver: r, known: newBudget(report), tried: newBudget(report)}
	seen := map[string]bool{}
	for _, image := range r.spec.Images {
		for _, s := range image.Value.Steps {
			if s.Repo != nil && s.Repo.URL.IsSet() && !seen[s.Repo.URL.Value] {
				seen[s.Repo.URL.Value] = true
				finder.find(s.Repo.URL)
			}
		}
	}
	r.redactor.prepare()
	r.spreadSecrets()
}

// spreadSecrets makes secret what the default of a secret variable is made of.
func (r *resolver) spreadSecrets() {
	defaults := map[string]string{}
	for _, v := range r.spec.Variables {
		if v.Value.Default != nil {
			defaults[v.Name.Value] = v.Value.Default.Value
		}
	}
	for left := slices.Collect(maps.Keys(r.substitute.secret)); len(left) > 0; left = left[1:] {
		for _, name := range specVariables(defaults[left[0]]) {
			if !r.substitute.secret[name] {
				r.substitute.secret[name] = true
				left = append(left, name)
			}
		}
	}
}

// A credentialFinder looks at the URLs of a spec. It works within the bounds of what a family may grow to.
type credentialFinder struct {
	resolver *resolver
	known    *budget // for the URLs as they are
	tried    *budget // for the URLs with other values of their variables
}

// maxTried is how many variables of a URL are tried. A URL with more of them is not one that people write.
const maxTried = 32

// maxURL bounds a URL as it is written.
const maxURL = 16 << 10

// find finds the credentials of one URL. A variable is secret when they change with it.
func (c credentialFinder) find(t spec.Text) {
	if len(t.Value) > maxURL {
		c.resolver.report.Add(t.At, "", "a URL of more than %d KiB is one that no server takes", maxURL>>10)
		return
	}
	values, secret := c.resolver.substitute.values, c.resolver.substitute.secret
	own := c.credentials(t, values, c.known)
	c.resolver.redactor.merge(own)
	names := once(specVariables(t.Value))
	for _, name := range names {
		value := values[name]
		switch {
		case value == nil:
		case own.isCredential(*value), len(names) > maxTried, c.tried.done():
			secret[name] = true
		default:
			for _, other := range []string{*value + "x", "x" + *value} {
				values[name] = &other // a copy of all values for each variable takes long when there are many
				changed := c.credentials(t, values, c.tried)
				secret[name] = secret[name] || len(changed.bare) > 0 && !slices.Equal(own.bare, changed.bare)
			}
			values[name] = value
		}
	}
}

// credentials returns what a URL holds with these values of its variables.
func (c credentialFinder) credentials(t spec.Text, values map[string]*string, within *budget) redactor {
	var found redactor
	text, ok := substituter{report: within.report, budget: within, values: values}.known(t, atBuild)
	if u, err := parseURL(text); ok && err == nil {
		found.add(u)
	}
	return found
}
