package download

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// patience is how long a server may take to answer.
const patience = time.Minute

// Transport returns a transport as the embedded engine has it for files of URLs: with the proxies of the environment, and with the
// certificates of the additional authorities beside those of the system. What is said of single registries counts for registries alone.
func Transport(config *registries.Config) (http.RoundTripper, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if usual, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = usual.Clone()
	}
	transport.ResponseHeaderTimeout = patience
	bundle, err := config.Bundle()
	if err != nil || len(bundle) == 0 {
		return transport, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the certificates of the system: %w", err)
	}
	pool.AppendCertsFromPEM(bundle)
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{}
	}
	transport.TLSClientConfig.RootCAs = pool
	return transport, nil
}
