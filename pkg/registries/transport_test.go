package registries

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// get asks a host with what is known about it.
func get(t *testing.T, config *Config, host string) error {
	t.Helper()
	transport := config.Transport(&http.Transport{DisableKeepAlives: true})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+host+"/v2/", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func TestTransport_authorities(t *testing.T) {
	m := newMachine(t)
	host, cert := serveTLS(t, nil)
	other, _ := serveTLS(t, nil) // has the same certificate: httptest has only one
	ca := m.write(t, "ca.pem", cert)
	var unknown x509.UnknownAuthorityError
	if err := get(t, m.load(t, Options{}), host); !errors.As(err, &unknown) {
		t.Errorf("without its authority: %v", err)
	}
	if err := get(t, m.load(t, Options{CAs: []string{ca}}), host); err != nil {
		t.Errorf("with an additional authority: %v", err)
	}
	t.Setenv("CONTAINERS_REGISTRIES_CONF", m.write(t, "insecure.conf", "[[registry]]\nlocation = \""+host+"\"\ninsecure = true\n"))
	config := m.load(t, Options{})
	if err := get(t, config, host); err != nil {
		t.Errorf("not verified: %v", err)
	}
	if err := get(t, config, other); !errors.As(err, &unknown) {
		t.Errorf("not verified, although another host is meant: %v", err)
	}
	t.Setenv("CONTAINERS_REGISTRIES_CONF", "/dev/null")
	m.write(t, "etc/docker/certs.d/"+host+"/ca.crt", cert)
	config = m.load(t, Options{})
	if err := get(t, config, host); err != nil {
		t.Errorf("with an authority of its own: %v", err)
	}
	if err := get(t, config, other); !errors.As(err, &unknown) {
		t.Errorf("with an authority of another host: %v", err)
	}
}

// Who is trusted as a mirror is not trusted as a registry.
func TestTransport_isNotForMirrors(t *testing.T) {
	m := newMachine(t)
	host, cert := serveTLS(t, nil)
	m.write(t, "etc/containerd/certs.d/r.test/hosts.toml", "[host.\"https://"+host+"\"]\nskip_verify = true\n")
	config := m.load(t, Options{})
	if !config.Hosts()[host].Unverified {
		t.Error("as a mirror it is verified")
	}
	if err := get(t, config, host); !errors.As(err, new(x509.UnknownAuthorityError)) {
		t.Errorf("as a registry: %v", err)
	}
	m.write(t, "etc/containerd/certs.d/"+host+"/ca.crt", cert)
	if err := get(t, m.load(t, Options{}), host); err != nil {
		t.Errorf("as a registry with its authority: %v", err)
	}
}

func TestTransport_clientCertificates(t *testing.T) {
	authority := newPair(t, nil)
	client, stranger := newPair(t, &authority), newPair(t, nil)
	host, cert := serveTLS(t, &authority)
	for _, test := range []struct {
		name  string
		files map[string]string
		works bool
	}{
		{"without", nil, false},
		{"two files", map[string]string{"client.cert": client.cert, "client.key": client.key}, true},
		{"of another authority", map[string]string{"client.cert": stranger.cert, "client.key": stranger.key}, false},
		{"one file, of hosts.toml", map[string]string{"both.pem": client.cert + client.key, "hosts.toml": "ca = \"ca.crt\"\nclient = \"both.pem\"\n"}, true},
		{"a list, of hosts.toml", map[string]string{"c.pem": client.cert, "k.pem": client.key, "hosts.toml": "ca = [\"ca.crt\"]\nclient = [[\"c.pem\", \"k.pem\"]]\n"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			dir := "etc/containers/certs.d/" + host + "/"
			m.write(t, dir+"ca.crt", cert)
			for name, text := range test.files {
				m.write(t, dir+name, text)
			}
			if err := get(t, m.load(t, Options{}), host); (err == nil) != test.works {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// A file that cannot be used is named, and is the matter of its registry alone.
func TestTransport_damagedFiles(t *testing.T) {
	m := newMachine(t)
	host, cert := serveTLS(t, nil)
	m.write(t, "etc/containers/certs.d/"+host+"/ca.crt", "no certificate")
	ca := m.write(t, "ca.pem", cert)
	other, _ := serveTLS(t, nil)
	config := m.load(t, Options{CAs: []string{ca}})
	var file *FileError
	if err := get(t, config, host); !errors.As(err, &file) || file.File != m.path("etc/containers/certs.d/"+host+"/ca.crt") {
		t.Errorf("the error is %v", err)
	}
	if err := get(t, config, other); err != nil {
		t.Error(err)
	}
	m.write(t, "etc/containers/certs.d/"+host+"/ca.crt", cert)
	config = m.load(t, Options{})
	m.write(t, "etc/containers/certs.d/"+host+"/ca.crt", "changed")
	if err := get(t, config, host); !errors.As(err, &file) {
		t.Errorf("a file that changed: %v", err)
	}
}

// What concerns the mirrors of a registry does not concern the registry.
func TestTransport_damagedMirrors(t *testing.T) {
	m := newMachine(t)
	host, cert := serveTLS(t, nil)
	m.write(t, "etc/containers/certs.d/"+host+"/own.pem", cert)
	m.write(t, "etc/containers/certs.d/"+host+"/hosts.toml", "ca = \"own.pem\"\n[host.\"https://m.test/path\"]\n")
	config := m.load(t, Options{})
	if _, err := config.Sources(host + "/a"); err == nil {
		t.Error("an image is pulled without its mirror")
	}
	if err := get(t, config, host); err != nil {
		t.Error(err)
	}
}

func TestTransport_keepsSettings(t *testing.T) {
	m := newMachine(t)
	inner := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13}}
	if got := m.load(t, Options{}).Transport(inner); got != http.RoundTripper(inner) {
		t.Errorf("without anything to add, it is %T", got)
	}
	_, cert := serveTLS(t, nil)
	config := m.load(t, Options{CAs: []string{m.write(t, "ca.pem", cert)}})
	own, err := config.Transport(inner).(*hostTransport).of("r.test")
	if err != nil || own.TLSClientConfig.MinVersion != tls.VersionTLS13 || own.TLSClientConfig.RootCAs == nil {
		t.Errorf("the settings are %+v (%v)", own, err)
	}
	if inner.TLSClientConfig.RootCAs != nil {
		t.Error("the transport of the caller is changed")
	}
	inner.TLSClientConfig.RootCAs = x509.NewCertPool()
	own, err = config.Transport(inner).(*hostTransport).of("r.test")
	if err != nil || own.TLSClientConfig.RootCAs.Equal(x509.NewCertPool()) || !inner.TLSClientConfig.RootCAs.Equal(x509.NewCertPool()) {
		t.Errorf("the certificates that the caller trusts are %v, those of the host %v (%v)", inner.TLSClientConfig.RootCAs, own, err)
	}
}

func TestBundle(t *testing.T) {
	m := newMachine(t)
	system, one, two := newPair(t, nil).cert, newPair(t, nil).cert, newPair(t, nil).cert
	t.Setenv("SSL_CERT_FILE", m.write(t, "system.pem", system))
	cas := []string{m.write(t, "one.pem", strings.TrimSpace(one)), m.write(t, "two.pem", two)}
	got, err := m.load(t, Options{CAs: cas}).Bundle()
	if err != nil {
		t.Fatal(err)
	}
	for name, cert := range map[string]string{"system": system, "one": one, "two": two} {
		if !strings.Contains(string(got), strings.TrimSpace(cert)) {
			t.Errorf("%s is missing", name)
		}
	}
	want := x509.NewCertPool()
	for _, cert := range []string{system, one, two} {
		want.AppendCertsFromPEM([]byte(cert))
	}
	pool := x509.NewCertPool()
	if pool.AppendCertsFromPEM(got); !pool.Equal(want) {
		t.Errorf("it is not the three certificates:\n%s", got)
	}
	if got, err := m.load(t, Options{}).Bundle(); len(got) > 0 || err != nil {
		t.Errorf("without additional authorities it is %q (%v)", got, err)
	}
}

func TestLoad_damagedAuthorities(t *testing.T) {
	m := newMachine(t)
	key := newPair(t, nil).key
	for _, test := range []struct{ name, file, want string }{
		{"missing", m.path("missing.pem"), "no such file"},
		{"a directory", m.root, "is a directory"},
		{"empty", m.write(t, "empty.pem", ""), "no certificate in it"},
		{"a key", m.write(t, "key.pem", key), "no certificate in it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(Options{Root: m.root, CAs: []string{test.file}})
			var file *FileError
			if !errors.As(err, &file) || file.File != test.file || strings.Count(err.Error(), test.file) != 1 {
				t.Errorf("the error is %v, want one that names %s once", err, test.file)
			}
			wantError(t, err, test.want)
		})
	}
	if !errors.Is(func() error { _, err := Load(Options{Root: m.root, CAs: []string{m.path("missing.pem")}}); return err }(), os.ErrNotExist) {
		t.Error("a missing file is not os.ErrNotExist")
	}
}
