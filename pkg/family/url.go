package family

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// A URL is where a step fetches a file. It may hold credentials: a user and a password in front of the host, or a parameter such as a
// token or a signature. However it is printed, they are not shown. Ask for them by name where they are needed.
type URL struct{ parsed *url.URL }

// hidden stands in texts for a credential.
const hidden = "xxxxx"

// parseURL reads the URL of a file. The error shows no credentials.
func parseURL(text string) (URL, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return URL{}, errNoURL{scrub(text)}
	}
	return URL{parsed}, nil
}

// errNoURL says that a text is not a URL.
type errNoURL struct{ shown string }

func (e errNoURL) Error() string { return "\"" + e.shown + "\" is no URL to fetch a file from" }

// scrub takes out of a text that is not a URL whatever may be a credential: all up to the last @, which a password may have in it, and all
// parameters. A question mark before that @ may belong to either, so nothing is left of what follows.
func scrub(text string) string {
	start := 0
	if at := strings.Index(text, "//"); at >= 0 {
		start = at + len("//")
	}
	before, rest := text[:start], text[start:]
	at, query := strings.LastIndexByte(rest, '@'), strings.IndexByte(rest, '?')
	if at > query && query >= 0 {
		return before + hidden
	}
	if query >= 0 {
		rest = rest[:query] + "?" + hidden
	}
	if at >= 0 {
		rest = hidden + rest[at:]
	}
	return before + rest
}

// Where a text has a URL with credentials: a user and a password, also a password with a slash, which belongs to no URL, or with an @; a
// user alone, which is a token for some servers of files; and a parameter with its name and its value.
var (
	userinfo = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`://([^\s/@"']*:[^\s@"']*(?:@[^\s/@"']*)*)@|https?://([^\s/@"']+(?:@[^\s/@"']*)*)@`)
	})
	parameter = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[?&]([^\s=&"']+)=([^\s&"'#]+)`) })
)

// HideCredentials returns a text in which the credentials of URLs are hidden, character by character. It guesses what a credential is; use
// [Family.Redact] where there is a family, which knows its credentials.
func HideCredentials(text string) string {
	if !strings.Contains(text, "://") && !strings.ContainsAny(text, "?&") {
		return text // as most are
	}
	found, parameters := userinfo().FindAllStringSubmatchIndex(text, -1), parameter().FindAllStringSubmatchIndex(text, -1)
	if len(found)+len(parameters) == 0 {
		return text
	}
	out := []rune(text)
	hide := func(from, to int) {
		start := utf8.RuneCountInString(text[:from])
		for i := range utf8.RuneCountInString(text[from:to]) {
			out[start+i] = 'x'
		}
	}
	for _, at := range found {
		group := 2
		if at[group] < 0 {
			group = 4
		}
		if !isAddress(text[at[group]:at[group+1]]) {
			hide(at[group], at[group+1])
		}
	}
	for _, at := range parameters {
		if isCredential(text[at[2]:at[3]]) {
			hide(at[4], at[5])
		}
	}
	return string(out)
}

// port finds the port of a host before a path.
var port = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[^:]*:[0-9]+/`) })

// isAddress reports whether what may be a user and a password is a host with a port, and a path.
func isAddress(text string) bool { return port().MatchString(text) }

// String returns the URL without its credentials. It is the same for every user and every token, so that what is made of it is, too.
func (u URL) String() string {
	if u.parsed == nil {
		return ""
	}
	shown := *u.parsed
	shown.User = nil
	shown.RawQuery = u.mapQuery(func(name, value string) string {
		if value != "" && isCredential(name) {
			return hidden
		}
		return value
	})
	return shown.String()
}

// GoString implements fmt.GoStringer.
func (u URL) GoString() string { return "family.URL(" + u.String() + ")" }

// MarshalText implements encoding.TextMarshaler.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// Request returns the URL as it is requested: with its parameters, which may be credentials, and without the user and the password,
// which go into a header.
func (u URL) Request() string {
	if u.parsed == nil {
		return ""
	}
	requested := *u.parsed
	requested.User = nil
	return requested.String()
}

// Authorization returns the header that the request is sent with, or nothing.
// https://datatracker.ietf.org/doc/html/rfc7617
func (u URL) Authorization() string {
	if u.parsed == nil || u.parsed.User.String() == "" {
		return ""
	}
	password, _ := u.parsed.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.parsed.User.Username()+":"+password))
}

// Host returns the name of the host, without the port.
func (u URL) Host() string {
	if u.parsed == nil {
		return ""
	}
	return u.parsed.Hostname()
}

// HasCredentials reports whether the URL holds credentials.
func (u URL) HasCredentials() bool { return u.Authorization() != "" || u.String() != u.Request() }

// holdsCredentials reports whether a text is a URL with credentials, of any scheme.
func holdsCredentials(text string) bool {
	parsed, err := url.Parse(text)
	if err != nil {
		return strings.Contains(text, "://") && scrub(text) != text
	}
	return parsed.Host != "" && URL{parsed}.HasCredentials()
}

// mapQuery returns the query with other values for its parameters. All else stays as it is written.
func (u URL) mapQuery(value func(name, value string) string) string {
	pairs := strings.Split(u.parsed.RawQuery, "&")
	for i, pair := range pairs {
		name, old, ok := strings.Cut(pair, "=")
		if ok {
			pairs[i] = name + "=" + value(name, old)
		}
	}
	return strings.Join(pairs, "&")
}

// credentialNames are how the names of parameters end whose values are credentials: X-Amz-Signature, private_token, sig, apikey.
var credentialNames = []string{
	"token", "signature", "sig", "secret", "password", "passwd", "pass", "pwd", "credential", "credentials", "auth", "authorization", "key", "jwt", "sas",
}

func isCredential(parameter string) bool {
	name := strings.ToLower(parameter)
	if decoded, err := url.QueryUnescape(name); err == nil {
		name = decoded
	}
	for _, end := range credentialNames {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// NamesCredential reports whether the name of a parameter or a variable is that of a credential, by how it ends.
func NamesCredential(name string) bool { return isCredential(name) }
