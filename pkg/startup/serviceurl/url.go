package serviceurl

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// A URL is SCHEME://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]...][/PATH][?OPTIONS].
type URL struct {
	Scheme string
	// User and Password are as they were before they were encoded.
	User, Password string
	Hosts          []Host
	// Path is as it is in the URL: empty, or with a slash before it.
	Path string
	// RawQuery is what follows the question mark, and Options is what it says. HTTP's URLs have no options: a query is the server's.
	RawQuery string
	Options  url.Values
}

// A Host is one of the servers of a URL.
type Host struct{ Name, Port string }

func (h Host) String() string { return net.JoinHostPort(h.Name, h.Port) }

// An Error says what is wrong with a URL. Its message has no password in it.
type Error struct {
	// URL is the URL without its password.
	URL     string
	Problem string
	// Hint says what to do, or is empty.
	Hint string
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("%q: %s", e.URL, e.Problem)
	}
	return fmt.Sprintf("%q: %s: %s", e.URL, e.Problem, e.Hint)
}

// Parse reads a URL. The error is an *Error.
func Parse(text string) (URL, error) {
	u, err := parse(text)
	if err != nil {
		err.URL = Redact(text)
		return URL{}, err
	}
	return u, nil
}

func parse(text string) (URL, *Error) {
	name, rest, ok := strings.Cut(text, "://")
	if !ok {
		return URL{}, problem("this is no URL", "it is SCHEME://HOST:PORT")
	}
	scheme, ok := schemeCalled(name)
	if !ok {
		return URL{}, problem(fmt.Sprintf("there is no support for the protocol %q", name), "it is one of "+strings.Join(Names(), ", "))
	}
	u := URL{Scheme: name}
	authority, tail := cutAuthority(rest)
	if strings.Contains(tail, "@") && !u.web() { // then what looks like hosts may be the beginning of a password
		return URL{}, ambiguous()
	}
	if err := u.setTail(tail); err != nil {
		return URL{}, err
	}
	hosts := authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		hosts = authority[at+1:]
		if err := u.setUser(authority[:at]); err != nil {
			return URL{}, err
		}
	}
	switch err := u.setHosts(hosts, scheme); {
	case err != nil && strings.Contains(tail, "@"): // the path of a web page may have one; but what is wrong here may be a password
		return URL{}, ambiguous()
	case err != nil:
		return URL{}, err
	}
	return u, nil
}

// NoPort is the problem of a URL that lacks the port that its scheme has no default for.
const NoPort = "it names no port"

func ambiguous() *Error {
	return problem("its host cannot be told from its user name and password", "write / as %2F, ? as %3F, # as %23 and @ as %40 in them, and @ as %40 elsewhere")
}

func problem(what, hint string) *Error { return &Error{Problem: what, Hint: hint} }

// cutAuthority separates what names the user and the hosts from the rest.
// https://www.rfc-editor.org/rfc/rfc3986#section-3.2
func cutAuthority(s string) (authority, tail string) {
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		return s[:end], s[end:]
	}
	return s, ""
}

func (u *URL) setTail(tail string) *Error {
	tail, _, fragment := strings.Cut(tail, "#")
	if fragment && !u.web() {
		return problem("it has a # in it", "in a user name or a password, write it as %23")
	}
	if i := strings.IndexFunc(tail, func(c rune) bool { return c <= ' ' || c == 0x7f }); i >= 0 {
		return problem("it has white space or a control character in it", "write it as % and two hexadecimal digits")
	}
	u.Path, u.RawQuery, _ = strings.Cut(tail, "?")
	if _, err := url.PathUnescape(u.Path); err != nil {
		return problem("its path has a % that is not followed by two hexadecimal digits", "write a % as %25")
	}
	if u.web() {
		return nil
	}
	var err error
	if u.Options, err = url.ParseQuery(u.RawQuery); err != nil {
		return problem("its options are not NAME=VALUE with & between them", "write a % as %25 and a ; as %3B")
	}
	return nil
}

func (u *URL) web() bool { return u.Scheme == "http" || u.Scheme == "https" }

func (u *URL) setUser(text string) *Error {
	user, password, _ := strings.Cut(text, ":")
	var userErr, passwordErr error
	u.User, userErr = url.PathUnescape(user)
	u.Password, passwordErr = url.PathUnescape(password)
	if userErr != nil || passwordErr != nil {
		return problem("its user name or password has a % that is not followed by two hexadecimal digits", "write a % as %25")
	}
	return nil
}

func (u *URL) setHosts(text string, scheme Scheme) *Error {
	for part := range strings.SplitSeq(text, ",") {
		host, err := parseHost(part, scheme)
		if err != nil {
			return err
		}
		u.Hosts = append(u.Hosts, host)
	}
	if len(u.Hosts) > 1 && !scheme.SeveralHosts {
		return problem(fmt.Sprintf("it names %d hosts", len(u.Hosts)), fmt.Sprintf("a %s URL has one", scheme.Name))
	}
	return nil
}

func parseHost(text string, scheme Scheme) (Host, *Error) {
	form := "it is " + scheme.Name + "://HOST:PORT"
	name, port, err := net.SplitHostPort(text)
	if err != nil {
		name, port = text, ""
		if bracketed := strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"); bracketed {
			name = text[1 : len(text)-1]
		} else if strings.ContainsAny(text, ":[]") {
			return Host{}, problem(fmt.Sprintf("%q is not a host and port", text), "write an IPv6 address as [::1]:PORT")
		}
	}
	if name == "" {
		return Host{}, problem("it names no host", form)
	}
	if strings.IndexFunc(name, notInHosts) >= 0 {
		return Host{}, problem(fmt.Sprintf("%q is not the name of a host", name), "use letters, digits, '-', '.' and '_', or an address")
	}
	if port == "" {
		if scheme.Port == 0 {
			return Host{}, problem(NoPort, form)
		}
		port = strconv.Itoa(scheme.Port)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return Host{}, problem(fmt.Sprintf("%q is no port", port), "it is a number from 1 to 65535")
	}
	return Host{name, port}, nil
}

func notInHosts(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	}
	return !strings.ContainsRune("-._:%", c) // the last two are of IPv6 addresses
}

// Name returns the path without its slash and decoded: what a URL calls a database or a virtual host.
func (u URL) Name() string {
	name, err := url.PathUnescape(strings.TrimPrefix(u.Path, "/"))
	if err != nil { // Parse refuses it
		return ""
	}
	return name
}

// HostsOf returns the hosts of a URL as they are written in it, which need not be ones that can be reached.
func HostsOf(text string) []string {
	_, rest, _ := strings.Cut(text, "://")
	authority, _ := cutAuthority(rest)
	return strings.Split(authority[strings.LastIndexByte(authority, '@')+1:], ",")
}

// PasswordOf returns the password of a URL as it is written in it.
func PasswordOf(text string) string {
	_, rest, _ := strings.Cut(text, "://")
	authority, _ := cutAuthority(rest)
	_, password, _ := strings.Cut(authority[:max(strings.LastIndexByte(authority, '@'), 0)], ":")
	return password
}

// Redact returns a text that is a URL, or was meant to be one, without its password and its query, which may hold another.
func Redact(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "", text
	} else {
		scheme += "://"
	}
	user := ""
	// An @ that does not belong here hides too much rather than too little.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		name, _, hasPassword := strings.Cut(rest[:at], ":")
		if user = name; hasPassword {
			user += ":***"
		}
		user, rest = user+"@", rest[at+1:]
	}
	if before, _, ok := strings.Cut(rest, "?"); ok {
		rest = before + "?..."
	}
	return scheme + user + rest
}
