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
	if len(c.cas)+len(c.hosts)+len(c.problems) == 0 {
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
	if found := t.config.problems[host]; found.err != nil && !found.mirrors {
		return nil, &FileError{found.file, found.err}
	}
	own := t.inner.Clone()
	if own.TLSClientConfig == nil {
		own.TLSClientConfig = &tls.Config{}
	}
	if err := t.config.adjust(own.TLSClientConfig, t.config.hosts[host]); err != nil {
		return nil, err
	}
	t.known[host] = own
	return own, nil
}

// adjust changes settings to those for a host.
func (c *Config) adjust(settings *tls.Config, h Host) error {
	if h.Unverified { // only where a file of the user says so
		settings.InsecureSkipVerify = true
	}
	for _, pair := range h.Pairs {
		cert, err := pair.load()
		if err != nil {
			return &FileError{pair.Cert, bare(err)}
		}
		settings.Certificates = append(settings.Certificates, cert)
	}
	if len(h.CAs)+len(c.bundle) == 0 {
		return nil
	}
	if settings.RootCAs == nil {
		var err error
		if settings.RootCAs, err = x509.SystemCertPool(); err != nil {
			return fmt.Errorf("reading the certificates of the system: %w", err)
		}
	} else {
		settings.RootCAs = settings.RootCAs.Clone()
	}
	settings.RootCAs.AppendCertsFromPEM(c.bundle)
	for _, file := range h.CAs {
		data, err := readPEM(file)
		if err != nil {
			return &FileError{file, err}
		}
		settings.RootCAs.AppendCertsFromPEM(data)
	}
	return nil
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
