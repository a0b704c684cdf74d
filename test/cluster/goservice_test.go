package cluster

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The gateway finds the other service by its name, and both say by their health checks that they are ready.
func TestExample_goService(t *testing.T) {
	n := newNamespace(t, "go-service")
	spec, place := example(t, "go-service"), env.place+"/go-service"
	tool(t, "go", "-C", filepath.Dir(spec), "mod", "download")
	// The cache is laid out as the protocol wants it: https://go.dev/ref/mod#module-cache
	modules := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download"))))
	t.Cleanup(modules.Close)
	golang := pushRoot(t, "golang", `PATH: "/usr/local/go/bin:/usr/bin:/bin", GOPATH: /go, GOTOOLCHAIN: local`, nil, nil, func(root string) {
		to := filepath.Join(root, "usr/local/go")
		tool(t, "mkdir", "-p", to)
		tool(t, "sh", "-c", `tar -C "$1" --exclude=testdata --exclude='*_test.go' --exclude=./test --exclude=./api --exclude=./doc --exclude=./src/cmd -cf - . | tar -C "$2" -xf -`,
			"sh", goEnv(t, "GOROOT"), to)
	})
	pulpimg(t, "build", "-f", spec, "--source-policy", policyWith(t, map[string]string{"docker.io/library/golang:1.26": golang}),
		"--set", "goproxy="+modules.URL, "--push", "--registry", place)
	ready := n.apply(t, manifests(t, spec, "--registry", place))
	page := "http://" + n.address(t, "gateway")
	answered := eventually(t, "the gateway answers", time.Minute, func() bool {
		text, err := n.ask(env.ctx, http.MethodGet, page, "")
		return err == nil && strings.HasPrefix(text, "Hello from linux/")
	})
	env.rows = append(env.rows, row{"examples/go-service", ready, "the gateway answered " + answered + " after that with what the other service said"})
}

// goEnv returns a setting of this machine's Go.
func goEnv(t *testing.T, setting string) string {
	t.Helper()
	out, err := exec.Command("go", "env", setting).Output()
	if err != nil {
		t.Fatalf("go env %s: %v", setting, err)
	}
	return strings.TrimSpace(string(out))
}
