package publish

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// sameHost reports whether two addresses are on one host and port. The default ports of http and https count as one, because a registry
// behind a proxy that ends TLS believes that its clients use plain HTTP.
func sameHost(a, b *url.URL) bool {
	return registries.CanonicalHost(a.Scheme, a.Host) == registries.CanonicalHost(b.Scheme, b.Host)
}

// isLoopback reports whether a host is this machine by its name.
func isLoopback(host string) bool {
	u := url.URL{Host: host}
	if strings.EqualFold(u.Hostname(), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.Unmap().IsLoopback()
}

// allowsPlain reports whether plain HTTP is allowed with a host: always with this machine itself.
func allowsPlain(c *registries.Config, host string) bool {
	return isLoopback(host) || c.Host("http", host).PlainHTTP
}

// PlainHTTPError reports that a request was not made, because it would have used plain HTTP with a host for which the user did not
// allow that.
type PlainHTTPError struct {
	Host string
	// Lowered is set if a server redirected from HTTPS to plain HTTP. That is refused even where plain HTTP is allowed.
	Lowered bool
}

func (e *PlainHTTPError) Error() string {
	if e.Lowered {
		return fmt.Sprintf("refusing to follow from HTTPS to plain HTTP at %s", e.Host)
	}
	return fmt.Sprintf("refusing to use plain HTTP with %s", e.Host)
}

// guard refuses requests over plain HTTP that the user did not allow. All requests to registries and token servers pass through it.
type guard struct {
	inner      http.RoundTripper
	registries *registries.Config
}

// RoundTrip implements [http.RoundTripper].
func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" {
		lowered := req.Response != nil && req.Response.Request != nil && req.Response.Request.URL.Scheme == "https"
		if lowered || !allowsPlain(g.registries, req.URL.Host) {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, &PlainHTTPError{Host: req.URL.Host, Lowered: lowered}
		}
	}
	return g.inner.RoundTrip(req)
}

// keepCredentials keeps the credentials in a request that is redirected to the same host, and removes them if it is another one, such as
// that of a bucket. net/http alone would send them to a subdomain or another port, and remove them if the same host is written differently.
func keepCredentials(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 { // as many as net/http follows by default
		return fmt.Errorf("stopped after %d redirects", len(via))
	}
	authorization := via[0].Header.Get("Authorization")
	if authorization != "" && sameHost(req.URL, via[0].URL) {
		req.Header.Set("Authorization", authorization)
	} else {
		req.Header.Del("Authorization")
	}
	return nil
}
