package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// An environment is what all tests share.
type environment struct {
	root, dir string
	ctx       context.Context // ends with an interrupt
	lab       lab
	place     string // in the lab's registry, of this run alone
	mu        sync.Mutex
	cluster   *Cluster // nil until a test has asked for it
	rows      []row
	closed    bool
}

// env is set by TestMain, before any test runs.
var env environment

func TestMain(m *testing.M) {
	Main()
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if env.lab, err = findLab(); err != nil {
		return 0, err
	}
	env.place = fmt.Sprintf("%s/cluster%d", env.lab.registry, time.Now().UnixNano())
	if env.root, err = filepath.Abs("../.."); err != nil {
		return 0, err
	}
	if env.dir, err = os.MkdirTemp("", "pulpimg-cluster-tests-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cleanUp()) }()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	env.ctx = ctx
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() { // ends with the process
		s := <-interrupted
		fmt.Fprintf(os.Stderr, "cluster: %v: closing the cluster\n", s)
		cancel(fmt.Errorf("signal: %v", s))
		// What the tests have started ends with their context, so that they fail and end by themselves.
		time.Sleep(time.Minute)
		fmt.Fprintf(os.Stderr, "cluster: a test did not end: %v\n", cleanUp())
		os.Exit(1)
	}()
	began := time.Now()
	code = m.Run()
	env.rows = append(env.rows, row{"all tests", "", "took " + since(began)})
	printRows()
	return code, context.Cause(ctx)
}

// cleanUp closes the cluster and removes what the tests left. The second call finds nothing to do.
func cleanUp() error {
	env.mu.Lock()
	defer env.mu.Unlock()
	if env.closed {
		return nil
	}
	env.closed = true
	var err error
	if env.cluster != nil {
		err = env.cluster.Close()
	}
	return errors.Join(err, os.RemoveAll(env.dir))
}

// start returns the cluster, which the first test that asks starts.
func start(t *testing.T) *Cluster {
	t.Helper()
	pause := pushPause(t)
	env.mu.Lock()
	defer env.mu.Unlock()
	if env.cluster != nil {
		return env.cluster
	}
	began := time.Now()
	c, err := Start(env.ctx, Config{
		Programs: filepath.Join(env.root, "bin/cluster"), Pause: pause, Registry: env.lab.registry,
		Relays: map[string]string{env.lab.registry: env.lab.registry, Node + ":27017": env.lab.mongoDB, Node + ":5672": env.lab.amqp},
	})
	if err != nil {
		t.Fatal(err)
	}
	env.cluster = c
	env.rows = append(env.rows, row{"a cluster", since(began), "its node is ready"})
	return c
}

// A row says what was seen of what was applied.
type row struct{ applied, ready, done string }

func printRows() {
	for _, r := range append([]row{{"applied", "ready", "what was done, and what was seen"}}, env.rows...) {
		fmt.Printf("%-28s %8s  %s\n", r.applied, r.ready, strings.ReplaceAll(r.done, "\n", "\n"+strings.Repeat(" ", 39)))
	}
}

func since(t time.Time) string { return fmt.Sprintf("%.1f s", time.Since(t).Seconds()) }

// pulpimg runs the program that is tested, with a cache of this run, and returns what it prints.
func pulpimg(t *testing.T, args ...string) string {
	t.Helper()
	stdout, _ := runPulpimg(t, args...)
	return stdout
}

// runPulpimg returns what it says on standard error, too.
func runPulpimg(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(env.ctx, env.lab.pulpimg, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(env.dir, "home"), "XDG_CACHE_HOME=" + filepath.Join(env.dir, "cache")}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("pulpimg %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return out.String(), said.String()
}

const programSpec = `
version: 1
name: NAME
registry: docker.io/lab
tag: "1"
images:
  NAME:
    from: scratch
    user: "65535:65535"
    steps: [{ files: { from: NAME, to: /NAME } }]
    entrypoint: [/NAME]
`

// pushPause publishes the image of the first process of pods. pushVisitor publishes the image of a visitor.
var (
	pushPause   = onceFor(func(t *testing.T) string { return pushProgram(t, "pause") })
	pushVisitor = onceFor(func(t *testing.T) string { return pushProgram(t, "visitor") })
)

// pushProgram publishes an image of a program of these tests.
func pushProgram(t *testing.T, name string) (reference string) {
	t.Helper()
	dir := filepath.Join(env.dir, name)
	compile := exec.CommandContext(env.ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), "./"+name)
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("compiling %s: %v\n%s", name, err, out)
	}
	spec := filepath.Join(dir, "pulpimg.yaml")
	if err := os.WriteFile(spec, []byte(strings.ReplaceAll(programSpec, "NAME", name)), 0o644); err != nil {
		t.Fatal(err)
	}
	pulpimg(t, "build", "-f", spec, "--push", "--registry", env.place)
	return env.place + "/" + name + ":1"
}

// onceFor keeps what a function returned. One that failed a test is called again.
func onceFor(make func(*testing.T) string) func(*testing.T) string {
	made := ""
	return func(t *testing.T) string {
		t.Helper()
		if made == "" {
			made = make(t)
		}
		return made
	}
}

func TestCluster_itsNodeIsReady(t *testing.T) {
	c := start(t)
	out, err := c.Kubectl(env.ctx, "get", "nodes", "-o", "wide")
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out)
}
