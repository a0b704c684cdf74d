package llb_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pulpimg/pulpimg/internal/llb"
)

// netSpec has a command of each kind, in an image that declares some variables itself.
const netSpec = "version: 1\nname: f\nregistry: r.example.com/f\ntag: \"1\"\nimages:\n  one:\n    from: docker.io/library/fedora:20\n" +
	"    env: { SSL_CERT_FILE: /own.pem, HTTP_PROXY: \"http://own\", no_proxy: \"\" }\n" +
	"    steps:\n      - run: script\n      - run: { command: [words] }\n      - yum: { packages: [a] }\n"

// commands compiles netSpec and returns its commands, and the bytes of their definition.
func commands(t *testing.T, o llb.Options) (execs []*pb.ExecOp, def [][]byte) {
	t.Helper()
	image, err := llb.New(resolve(t, netSpec).Images[0], base(), o)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if image, err = image.AddCommand(); err != nil {
			t.Fatal(err)
		}
	}
	config, err := image.SolveTarget().Config()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(config, []byte("pulpimg/trusted")) || bytes.Contains(config, []byte("http://proxy")) {
		t.Errorf("the config of the image has what only the build needs: %s", config)
	}
	marshalled := definition(t, image)
	for _, op := range operations(t, marshalled) {
		if exec := op.GetExec(); exec != nil {
			execs = append(execs, exec)
		}
	}
	if len(execs) != 3 {
		t.Fatalf("%d commands, want 3", len(execs))
	}
	return execs, marshalled.Def
}

// secretMounts returns the mounts of secrets of a command.
func secretMounts(exec *pb.ExecOp) []*pb.Mount {
	return slices.DeleteFunc(slices.Clone(exec.Mounts), func(m *pb.Mount) bool { return m.MountType != pb.MountType_SECRET })
}

func TestAddCommand_trusting(t *testing.T) {
	trusting := opts
	trusting.Trusting = true
	execs, _ := commands(t, trusting)
	for _, exec := range execs {
		mounts := secretMounts(exec)
		if len(mounts) != 1 || mounts[0].Dest != "/run/pulpimg/trusted.pem" {
			t.Fatalf("%v has the secrets %v", exec.Meta.Args, mounts)
		}
		secret := mounts[0].SecretOpt
		if secret.ID != llb.TrustedID || secret.Mode != 0o444 || secret.Uid != 0 || secret.Gid != 0 || secret.Optional {
			t.Errorf("the secret is %+v", secret)
		}
		if len(exec.Secretenv) > 0 {
			t.Errorf("a variable has the content of a secret: %v", exec.Secretenv)
		}
		var got []string
		for _, variable := range exec.Meta.Env {
			if name, value, _ := strings.Cut(variable, "="); value == "/run/pulpimg/trusted.pem" {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		want := []string{"AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("variables that name the file (-want +got):\n%s", diff)
		}
		if !slices.Contains(exec.Meta.Env, "SSL_CERT_FILE=/own.pem") {
			t.Errorf("the variable of the image is lost: %v", exec.Meta.Env)
		}
	}
	if args := strings.Join(execs[2].Meta.Args, " "); !strings.Contains(args, "sslcacert=/run/pulpimg/trusted.pem") {
		t.Errorf("yum is not told of the file: %s", args)
	}
}

// Proxies are beside the environment, which counts for the engine's cache. A variable of the image goes first, as it is written or in the
// other case.
func TestAddCommand_proxies(t *testing.T) {
	with := opts
	with.Proxies = llb.Proxies{HTTP: "http://proxy:1", HTTPS: "http://proxy:2", FTP: "http://proxy:3", All: "http://proxy:4", No: "localhost"}
	execs, _ := commands(t, with)
	for _, exec := range execs {
		p := exec.Meta.ProxyEnv
		if p == nil {
			t.Fatalf("%v has no proxies", exec.Meta.Args)
		}
		want := []string{"", "http://proxy:2", "http://proxy:3", "http://proxy:4", ""}
		if diff := cmp.Diff(want, []string{p.HttpProxy, p.HttpsProxy, p.FtpProxy, p.AllProxy, p.NoProxy}); diff != "" {
			t.Errorf("proxies for HTTP, HTTPS, FTP, all and none (-want +got):\n%s", diff)
		}
		if strings.Contains(strings.Join(exec.Meta.Env, " "), "http://proxy") {
			t.Errorf("a proxy is in the environment: %v", exec.Meta.Env)
		}
		if mounts := secretMounts(exec); len(mounts) > 0 {
			t.Errorf("there are the secrets %v", mounts)
		}
	}
}

func TestAddCommand_withoutNetwork(t *testing.T) {
	execs, plain := commands(t, opts)
	for _, exec := range execs {
		if exec.Meta.ProxyEnv != nil || len(secretMounts(exec)) > 0 || strings.Contains(exec.String(), "trusted") {
			t.Errorf("a command knows of the network: %v", exec)
		}
	}
	only := opts
	only.Proxies.HTTP = "http://proxy" // the image declares it
	if _, def := commands(t, only); !slices.EqualFunc(plain, def, bytes.Equal) {
		t.Error("a proxy that no command sees changes the definition")
	}
}
