package registries

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A pair is a certificate and its key, in PEM. Each one is an authority, a server and a client.
type pair struct{ cert, key string }

// newPair makes a certificate that a parent signs, or that signs itself if there is none.
func newPair(t *testing.T, parent *pair) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signed, signer := template, any(key)
	if parent != nil {
		loaded, err := tls.X509KeyPair([]byte(parent.cert), []byte(parent.key))
		if err != nil {
			t.Fatal(err)
		}
		signed, signer = loaded.Leaf, loaded.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signed, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{encode("CERTIFICATE", der), encode("EC PRIVATE KEY", keyDER)}
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// serveTLS starts a server that asks clients for a certificate of an authority, if there is one. It returns the host of the server and the
// certificate that it is known by.
func serveTLS(t *testing.T, authority *pair) (host, cert string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = quiet()
	if authority != nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(authority.cert))
		server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "https://"), encode("CERTIFICATE", server.Certificate().Raw)
}
