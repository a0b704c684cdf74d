package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// An island is a network namespace with one address, from which only the servers of the test can be reached.
type island struct {
	name string
	home string // of its user
}

// islandAddress is the island's only one besides the loopback addresses. It is for documentation (RFC 5737), so it is nobody's.
const islandAddress = "192.0.2.1"

func newIsland(t *testing.T) island {
	t.Helper()
	i := island{name: fmt.Sprintf("pulpimg%d-%d", os.Getpid(), accounts.Add(1)), home: t.TempDir()}
	root(t, "ip", "netns", "add", i.name)
	t.Cleanup(func() { root(t, "ip", "netns", "delete", i.name) })
	root(t, "ip", "-n", i.name, "address", "add", islandAddress+"/32", "dev", "lo")
	root(t, "ip", "-n", i.name, "link", "set", "lo", "up")
	return i
}

// listen listens in the island. A connection is served from outside.
func (i island) listen(t *testing.T, address string) net.Listener {
	t.Helper()
	type result struct {
		l   net.Listener
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine, as it is not unlocked
		fd, err := unix.Open("/run/netns/"+i.name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			done <- result{nil, err}
			return
		}
		defer unix.Close(fd)
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			done <- result{nil, err}
			return
		}
		l, err := net.Listen("tcp", address)
		done <- result{l, err}
	}()
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { _ = r.l.Close() })
	return r.l
}

// serve serves HTTP at a port of the island, with TLS if there is a certificate.
func (i island) serve(t *testing.T, port int, certificate *tls.Certificate, handler http.Handler) {
	t.Helper()
	l := i.listen(t, fmt.Sprintf("%s:%d", islandAddress, port))
	if certificate != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*certificate}})
	}
	server := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// relay leads an address of the loopback network of the island to the same address outside.
func (i island) relay(t *testing.T, address string) {
	t.Helper()
	l := i.listen(t, address)
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer from.Close()
				to, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				defer to.Close()
				go func() { _, _ = io.Copy(to, from); _ = to.(*net.TCPConn).CloseWrite() }()
				_, _ = io.Copy(from, to)
			}()
		}
	}()
}

// inside returns a command that runs in the island.
func (i island) inside(cmd *exec.Cmd, vars ...string) *exec.Cmd {
	inner := exec.Command("nsenter", append([]string{"--net=/run/netns/" + i.name, "--", cmd.Path}, cmd.Args[1:]...)...)
	inner.Env = append(append(os.Environ(), "HOME="+i.home, "XDG_CONFIG_HOME=", "XDG_RUNTIME_DIR=", "DOCKER_CONFIG=", "REGISTRY_AUTH_FILE="), vars...)
	return inner
}

// pulpimg runs pulpimg in the island.
func (i island) pulpimg(t *testing.T, vars []string, args ...string) outcome {
	t.Helper()
	cmd := i.inside(exec.Command(filepath.Join(env.bin, "pulpimg"), args...), append(vars, "XDG_CACHE_HOME="+filepath.Join(i.home, "cache"))...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return outcome{args, stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// file writes a file into the home of the island's user.
func (i island) file(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(i.home, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// authority makes a certificate of an authority, in PEM, and one for the island's address that it signed.
func authority(t *testing.T) (ca string, server *tls.Certificate) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the authority of a test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, template, template, &caKey.PublicKey, caKey)
	must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: islandAddress}, NotBefore: template.NotBefore, NotAfter: template.NotAfter,
		IPAddresses: []net.IP{net.ParseIP(islandAddress)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, template, &key.PublicKey, caKey)
	must(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})), &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// forward sends requests to one of the lab's servers.
func forward(host string, change func(path string) string) http.Handler {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", host
		r.Out.URL.Path, r.Out.URL.RawPath = change(r.In.URL.Path), ""
	}}
}

// mirror is the lab's registry behind a user and a password. What is below hub/library/ is what the lab has at its top.
func mirror() http.Handler {
	registry := forward(env.lab.Registry, func(path string) string { return strings.Replace(path, "/v2/hub/library/", "/v2/", 1) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "jo" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="mirror"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		registry.ServeHTTP(w, r)
	})
}

const mirrorPort = 5443

// The Pulp family is built and published where the only registry is a mirror with an authority of its own and credentials. What says so are
// the files of podman, which pulls the base through them too.
func TestMirror_onlyWayOut(t *testing.T) {
	env.lanes.own.enter(t)
	i := newIsland(t)
	ca, certificate := authority(t)
	i.serve(t, mirrorPort, certificate, mirror())
	site, err := url.Parse(env.lab.RepoURL)
	if err != nil {
		t.Fatal(err)
	}
	i.relay(t, site.Host) // the packages
	at := fmt.Sprintf("%s:%d", islandAddress, mirrorPort)
	conf := i.file(t, "registries.conf", `[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "`+at+`/hub"
`)
	auth := i.file(t, ".config/containers/auth.json", `{"auths": {"`+at+`": {"auth": "`+base64.StdEncoding.EncodeToString([]byte("jo:secret"))+`"}}}`)
	vars := []string{"CONTAINERS_REGISTRIES_CONF=" + conf}
	build := []string{"build", "-f", pulpSpec(), "--source-policy", urlPolicy(t)}

	t.Run("an unknown authority", func(t *testing.T) {
		i.pulpimg(t, vars, build...).fails(t, 69, "certificate signed by unknown authority", "docker.io/library/fedora:20: ", "hint: .*--ca FILE")
	})
	i.file(t, ".config/containers/certs.d/"+at+"/ca.crt", ca)
	t.Run("pulpimg", func(t *testing.T) {
		out := i.pulpimg(t, vars, append(build, "--push", "--registry", at+env.place+"/mirrored")...).ok(t)
		if !strings.Contains(out.stdout, "4 images") && !strings.Contains(out.stdout, "pulp-worker") {
			t.Errorf("it printed:\n%s", out.stdout)
		}
		image(t, env.lab.Registry+env.place+"/mirrored/pulp-worker"+pulpTag)
	})
	t.Run("podman", func(t *testing.T) {
		cmd := i.inside(podman{}.command("pull", "--quiet", "docker.io/library/fedora:20"), append(vars, "REGISTRY_AUTH_FILE="+auth)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("podman: %v\n%s", err, out)
		}
	})
	t.Run("no credentials", func(t *testing.T) {
		if err := os.Remove(auth); err != nil {
			t.Fatal(err)
		}
		i.pulpimg(t, vars, append(build, "--no-cache")...).fails(t, 77, "401")
	})
}

// urlPolicy returns the lab's policy, which allows the images that it would otherwise take from the lab.
func urlPolicy(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(env.lab.Policy)
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Version int              `json:"version"`
		Rules   []map[string]any `json:"rules"`
	}
	if err := json.Unmarshal(data, &policy); err != nil {
		t.Fatal(err)
	}
	var rules, allowed []map[string]any
	for _, rule := range policy.Rules {
		if selector := rule["selector"].(map[string]any); rule["action"] == "CONVERT" && strings.Contains(selector["identifier"].(string), "docker-image:") {
			allowed = append(allowed, map[string]any{"action": "ALLOW", "selector": selector})
			continue
		}
		rules = append(rules, rule)
	}
	policy.Rules = append(rules, allowed...)
	if data, err = json.Marshal(policy); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// Commands trust an authority of the user's, and find the proxy; neither is in the image.
func TestMirror_commands(t *testing.T) {
	env.lanes.own.enter(t)
	i := newIsland(t)
	ca, certificate := authority(t)
	site, err := url.Parse(env.lab.RepoURL)
	if err != nil {
		t.Fatal(err)
	}
	same := func(path string) string { return path }
	i.serve(t, mirrorPort, certificate, forward(env.lab.Registry, same))
	i.serve(t, 5444, certificate, forward(site.Host, same))
	i.serve(t, 3128, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // answers like a proxy, for all hosts
		fmt.Fprintf(w, "# %s through the proxy\n", r.RequestURI)
	}))
	at := fmt.Sprintf("%s:%d", islandAddress, mirrorPort)
	file := i.file(t, "ca.pem", ca)
	spec := specFile(t, `
version: 1
name: ca
registry: `+at+env.place+`
tag: "1"
images:
  trusting:
    from: `+at+`/fedora:20
    steps:
      - files: { from: lab.repo, to: /etc/yum.repos.d/lab.repo }
      - yum: { packages: [augeas] }
      - run: |
          python3 -c 'import urllib.request as u; print(u.urlopen("https://`+islandAddress+`:5444/fedora-pulp.repo").read().decode())'
          python3 -c 'import urllib.request as u; print(u.urlopen("http://packages.test/list").read().decode())' > /proxied
      - repo: { url: "http://packages.test/other.repo", to: /other.repo }
`, map[string]string{"lab.repo": "[lab]\nname=lab\nbaseurl=https://" + islandAddress + ":5444/pulp/fedora-20/$basearch/\ngpgcheck=0\n"})
	proxies := []string{"http_proxy=http://" + islandAddress + ":3128", "no_proxy=" + islandAddress, "CONTAINERS_REGISTRIES_CONF=/dev/null"}

	t.Run("without the authority", func(t *testing.T) {
		i.pulpimg(t, proxies, "build", "-f", spec).fails(t, 1, "certificate signed by unknown authority", "hint: .*--ca FILE")
		i.pulpimg(t, proxies, "push", "-f", spec, "--ca", "missing.pem").fails(t, 64, "--ca missing.pem: no such file")
	})
	i.pulpimg(t, proxies, "build", "-f", spec, "--ca", file, "--push").ok(t)
	dir := podman{}.mount(t, env.lab.Registry+env.place+"/trusting:1")
	for name, want := range map[string]string{"proxied": "# http://packages.test/list through the proxy\n\n", "other.repo": "# http://packages.test/other.repo through the proxy\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v, got %q, want %q", name, err, got, want)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "run", "pulpimg")); err == nil {
		t.Error("the mount of the certificates left something in the image")
	}
	config, err := image(t, env.lab.Registry+env.place+"/trusting:1").RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"SSL_CERT_FILE", "trusted.pem", "proxy"} {
		if strings.Contains(string(config), word) {
			t.Errorf("the config has %q:\n%s", word, config)
		}
	}
}
