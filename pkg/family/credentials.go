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
	forms  []string // all of them as texts may have them
}

// minSecret is the length from which on a credential is hidden inside a text. A shorter one would be found in any word.
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

// findCredentials finds the credentials in the URLs of the spec, and the variables that are part of them or contain them. The defaults of
// the variables that are given are not used.
func (r *resolver) findCredentials() {
	r.substitute.secret = map[string]bool{}
	report := spec.NewReport("") // what is wrong with a URL is reported with its step
	finder := credentialFinder{
		resolver: r, asWritten: newBudget(report), tried: newBudget(report),
		defaults: map[string]spec.Text{}, needs: map[string][]string{}, spread: map[string]bool{},
	}
	for _, v := range r.spec.Variables {
		if _, ok := r.given[v.Name.Value]; !ok && v.Value.Default != nil {
			finder.defaults[v.Name.Value] = *v.Value.Default
			finder.needs[v.Name.Value] = once(specVariables(v.Value.Default.Value))
		}
	}
	seen := map[string]bool{}
	r.substitute.deferred.quiet = true
	declarations := r.quietly(report).declarations()
	r.substitute.deferred.quiet = false
	for _, d := range declarations {
		finder.ofMatrix(d)
		r.within(d, func() {
			for _, s := range d.image.Steps {
				if s.Repo != nil && s.Repo.URL.IsSet() && (!seen[s.Repo.URL.Value] || len(d.matrix) > 0) {
					seen[s.Repo.URL.Value] = true
					r.substitute.settleQuietly(s.Repo.URL)
					finder.find(s.Repo.URL)
				}
			}
		})
	}
	r.redactor.prepare()
	finder.spreadToUsers()
}

// ofMatrix notes what the variables of an image's matrix are made of.
func (c credentialFinder) ofMatrix(d declaration) {
	for _, v := range d.matrix {
		text := v.TextIn(*d.image)
		c.defaults[v.Name] = text
		c.needs[v.Name] = once(append(c.needs[v.Name], specVariables(text.Value)...))
	}
}

// A credentialFinder looks at the URLs of a spec. It works within the bounds of what a family may grow to.
type credentialFinder struct {
	resolver  *resolver
	asWritten *budget              // for the URLs as they are
	tried     *budget              // for the URLs with other values of their variables
	defaults  map[string]spec.Text // the defaults in use, by variable
	needs     map[string][]string  // the variables that each of these defaults names
	spread    map[string]bool      // the secret variables whose needs are marked as secret, too
}

// maxTried is how many variables of a URL are tried, including those that their defaults name. People do not write URLs with more.
const maxTried = 32

// maxURL bounds a URL as it is written.
const maxURL = 16 << 10

// find finds the credentials of one URL. A variable is secret when they change with it.
func (c credentialFinder) find(t spec.Text) {
	if len(t.Value) > maxURL {
		c.resolver.report.Add(t.At, "", "the URL is longer than %d KiB, and no server accepts such a URL", maxURL>>10)
		return
	}
	values, secret := c.resolver.substitute.values, c.resolver.substitute.secret
	own := c.credentials(t, values, c.asWritten)
	c.resolver.redactor.merge(own)
	names := once(specVariables(t.Value))
	behind, all := c.behind(names)
	if all {
		names = behind
	}
	for _, name := range names {
		if value := values[name]; value != nil && !secret[name] {
			secret[name] = own.isCredential(*value) || len(names) > maxTried || c.tried.done() || c.matters(t, names, name, own)
		}
		if secret[name] && !all {
			c.spreadToNeeds(name)
		}
	}
}

// matters reports whether a URL holds other credentials when a variable has another value.
func (c credentialFinder) matters(t spec.Text, names []string, name string, own redactor) bool {
	value := *c.resolver.substitute.values[name]
	return slices.ContainsFunc([]string{value + "x", "x" + value}, func(other string) bool {
		changed := c.credentials(t, c.with(names, name, other), c.tried)
		return len(changed.bare) > 0 && !slices.Equal(own.bare, changed.bare)
	})
}

// behind returns variables and those that their defaults name, each after what it needs; or not all of them, when there are too many.
func (c credentialFinder) behind(direct []string) (names []string, all bool) {
	found := map[string]bool{}
	for left := slices.Clone(direct); len(left) > 0; left = left[1:] {
		name := left[0]
		if found[name] {
			continue
		}
		if len(names) == maxTried || len(c.needs[name]) > maxTried {
			return names, false
		}
		found[name] = true
		names = append(names, name)
		left = append(left, c.needs[name]...)
	}
	names, _ = ordered(names, func(name string) []string { return c.needs[name] })
	return names, true
}

// with returns what the values of variables would be if one of them had another value. Each name has to come after those that it needs.
func (c credentialFinder) with(names []string, changed, value string) map[string]*string {
	values := map[string]*string{}
	s := substituter{report: c.tried.report, budget: c.tried, values: values}
	for _, name := range names {
		values[name] = c.resolver.substitute.values[name]
		if name == changed {
			values[name] = &value
			continue
		}
		if !slices.ContainsFunc(c.needs[name], func(need string) bool { return values[need] != nil }) {
			continue // nothing that it needs is among them
		}
		if text, ok := s.expand(c.defaults[name], atBuild); ok {
			values[name] = &text
		}
	}
	return values
}

// spreadToNeeds makes secret what the default of a secret variable is made of.
func (c credentialFinder) spreadToNeeds(name string) {
	for left := []string{name}; len(left) > 0; left = left[1:] {
		if name := left[0]; !c.spread[name] {
			c.spread[name], c.resolver.substitute.secret[name] = true, true
			left = append(left, c.needs[name]...)
		}
	}
}

// spreadToUsers makes secret what has a secret variable in its default.
func (c credentialFinder) spreadToUsers() {
	var names []string
	for _, v := range c.resolver.spec.Variables {
		names = append(names, v.Name.Value)
	}
	for _, i := range c.resolver.spec.Images {
		for _, axis := range i.Value.Matrix {
			names = append(names, axis.Name.Value)
		}
	}
	secret := c.resolver.substitute.secret
	order, _ := ordered(names, func(name string) []string { return c.needs[name] })
	for _, name := range order {
		secret[name] = secret[name] || slices.ContainsFunc(c.needs[name], func(need string) bool { return secret[need] })
	}
}

// credentials returns what a URL holds with these values of its variables.
func (c credentialFinder) credentials(t spec.Text, values map[string]*string, within *budget) redactor {
	var found redactor
	text, ok := substituter{report: within.report, budget: within, values: values}.expand(t, atBuild)
	if u, err := parseURL(text); ok && err == nil {
		found.add(u)
	}
	return found
}
