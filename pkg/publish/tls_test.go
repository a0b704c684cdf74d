package publish

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// serveTLS runs a registry with TLS on 127.0.0.1, and gives its HOST:PORT and its certificate.
func serveTLS(t *testing.T, clientAuth tls.ClientAuthType) (host string, cert []byte) {
	t.Helper()
	server := httptest.NewUnstartedServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: clientAuth}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), certificate(server.Certificate().Raw)
}

func certificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// certsDir makes a home with a directory of certificates for a host.
func certsDir(t *testing.T, host string, files map[string][]byte) {
	t.Helper()
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	dir := filepath.Join(config, "containers", "certs.d", host)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// push publishes an empty image, with what the machine knows of registries unless something else is given.
func push(t *testing.T, host string, known *registries.Config) error {
	t.Helper()
	items := []Item{{Name: "a", Reference: testTag(t, host+"/a:1"), Content: empty.Image}}
	_, err := Publish(t.Context(), items, Options{Registries: known, Keychain: fixedKeychain{authn.AuthConfig{}}, Backoff: Backoff{First: time.Hour}})
	return err
}

func TestPublish_ownAuthority(t *testing.T) {
	host, cert := serveTLS(t, tls.NoClientCert)
	certsDir(t, "other.test", map[string][]byte{"ca.crt": cert})
	var unknown x509.UnknownAuthorityError
	var unreachable *UnreachableError
	if err := push(t, host, nil); !errors.As(err, &unknown) || !errors.As(err, &unreachable) || unreachable.Registry != host {
		t.Errorf("with the authority of another registry: %v", err)
	}
	certsDir(t, host, map[string][]byte{"ca.crt": cert})
	if err := push(t, host, nil); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	if err := push(t, host, new(registries.Config)); !errors.As(err, &unknown) {
		t.Errorf("with options that know nothing: %v", err)
	}
}

func TestPublish_clientCertificate(t *testing.T) {
	host, cert := serveTLS(t, tls.RequireAnyClientCert)
	certsDir(t, host, map[string][]byte{"ca.crt": cert})
	if err := push(t, host, nil); err == nil {
		t.Error("it is published without a certificate")
	}
	der, key := selfSigned(t)
	certsDir(t, host, map[string][]byte{"ca.crt": cert, "me.cert": der, "me.key": key})
	if err := push(t, host, nil); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
}

// Files that cannot be used are named, at once.
func TestPublish_damagedCertificates(t *testing.T) {
	host, _ := serveTLS(t, tls.NoClientCert)
	certsDir(t, host, map[string][]byte{"ca.crt": []byte("damaged")})
	err := push(t, host, nil)
	var file *registries.FileError
	if !errors.As(err, &file) || filepath.Base(file.File) != "ca.crt" {
		t.Errorf("the error is %v", err)
	}
}

// selfSigned makes a certificate and its key, in PEM.
func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return certificate(der), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
}
