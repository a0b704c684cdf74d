//go:build linux

package engine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/engine"
)

// serverName is in the certificate of the guarded engine; its address is not.
const serverName = "engine.example"

// pki is an authority.
type pki struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newPKI(t *testing.T) pki {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, key := issue(t, template, template, nil)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return pki{cert, key}
}

// issue signs a certificate with the parent's key, or with its own.
func issue(t *testing.T, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	if signer == nil {
		signer = key
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	must(t, err)
	return der, key
}

func (p pki) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.cert)
	return pool
}

// client is what a client needs to be let in.
func (p pki) client(t *testing.T) engine.TLS {
	t.Helper()
	der, key := issue(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, p.cert, p.key)
	keyDER, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	return engine.TLS{
		CACert:     writePEM(t, "ca.pem", "CERTIFICATE", p.cert.Raw),
		Cert:       writePEM(t, "cert.pem", "CERTIFICATE", der),
		Key:        writePEM(t, "key.pem", "EC PRIVATE KEY", keyDER),
		ServerName: serverName,
	}
}

func writePEM(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	return writeFile(t, name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// guard listens with TLS in front of the unix socket, for the authority's clients only.
func (p pki) guard(t *testing.T, socket string) (address string) {
	t.Helper()
	der, key := issue(t, &x509.Certificate{
		DNSNames: []string{serverName}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, p.cert, p.key)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    p.pool(),
		NextProtos:   []string{"h2"}, // gRPC insists on it
	})
	must(t, err)
	serve(t, l, func(c net.Conn) {
		defer c.Close()
		if c.(*tls.Conn).Handshake() != nil {
			return
		}
		far, err := net.Dial("unix", socket)
		if err != nil {
			return
		}
		go func() {
			io.Copy(far, c)
			far.Close()
		}()
		io.Copy(c, far)
	})
	return l.Addr().String()
}
