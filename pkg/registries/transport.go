package registries

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
)

// Transport returns a transport that sends each request as its host is to be reached. It keeps the settings of inner.
func (c *Config) Transport(inner *http.Transport) http.RoundTripper {
	if len(c.cas) == 0 && len(c.Hosts()) == 0 {
		return inner
	}
	return &hostTransport{config: c, inner: inner, known: map[string]*http.Transport{}}
}

// A hostTransport has a transport for each host with certificates of its own.
type hostTransport struct {
	config *Config
	inner  *http.Transport

	mu    sync.Mutex
	known map[string]*http.Transport // by canonical hosts
}

// RoundTrip implements [http.RoundTripper].
func (t *hostTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	inner, err := t.of(CanonicalHost("https", req.URL.Host))
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	return inner.RoundTrip(req)
}

func (t *hostTransport) of(host string) (*http.Transport, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.known[host]; ok {
		return known, nil
	}
	settings, err := t.config.tls(t.config.hosts[host])
	if err != nil {
		return nil, err
	}
	own := t.inner.Clone()
	own.TLSClientConfig = settings
	t.known[host] = own
	return own, nil
}

// tls returns the settings for a host.
func (c *Config) tls(h Host) (*tls.Config, error) {
	settings := &tls.Config{InsecureSkipVerify: h.Unverified} // only where a file of the user says so
	for _, pair := range h.Pairs {
		cert, err := pair.load()
		if err != nil {
			return nil, &FileError{pair.Cert, bare(err)}
		}
		settings.Certificates = append(settings.Certificates, cert)
	}
	if len(h.CAs)+len(c.bundle) == 0 {
		return settings, nil
	}
	var err error
	if settings.RootCAs, err = x509.SystemCertPool(); err != nil {
		return nil, fmt.Errorf("reading the certificates of the system: %w", err)
	}
	settings.RootCAs.AppendCertsFromPEM(c.bundle)
	for _, file := range h.CAs {
		data, err := readPEM(file)
		if err != nil {
			return nil, &FileError{file, err}
		}
		settings.RootCAs.AppendCertsFromPEM(data)
	}
	return settings, nil
}

func (p Pair) load() (tls.Certificate, error) { return tls.LoadX509KeyPair(p.Cert, p.Key) }

// systemBundles are where systems have the certificates that they trust.
// https://github.com/golang/go/blob/master/src/crypto/x509/root_linux.go and root_bsd.go
func systemBundles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt",                // Debian, Alpine
		"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, CentOS
		"/etc/ssl/ca-bundle.pem",                            // openSUSE
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS 7
		"/etc/ssl/cert.pem",                                 // macOS
	}
}

// Bundle returns the certificates of the authorities that the system trusts and of the additional ones, in PEM. It is empty if there are
// no additional ones.
func (c *Config) Bundle() ([]byte, error) {
	if len(c.bundle) == 0 {
		return nil, nil
	}
	files := systemBundles()
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		files = []string{file}
	}
	for _, file := range files {
		if data, err := readPEM(file); err == nil {
			return slices.Concat(data, []byte("\n"), c.bundle), nil
		}
	}
	if runtime.GOOS == "linux" {
		return slices.Clone(c.bundle), nil // as in a container without certificates
	}
	return nil, fmt.Errorf("the certificates that this system trusts are in none of %q: name a file with them in SSL_CERT_FILE", files)
}
