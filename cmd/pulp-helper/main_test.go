//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// asHelper makes the test binary behave as pulp-helper, with the contract in the file that it names: what becomes another process takes
// one of its own.
const asHelper = "PULP_HELPER_TEST_CONTRACT"

func TestMain(m *testing.M) {
	if file := os.Getenv(asHelper); file != "" {
		os.Exit(run(file, filepath.Join(filepath.Dir(file), "start"), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// helper returns a command that is pulp-helper in a process of its own.
func helper(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asHelper+"=/no/contract")
	return cmd
}

// inImage returns a program whose image declares a contract, and what it writes to standard error.
func inImage(t *testing.T, c contract.Contract, env map[string]string) (program, *bytes.Buffer) {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "contract.json")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	own := map[string]string{}
	maps.Copy(own, env)
	var stderr bytes.Buffer
	return program{
		contract: file,
		getenv:   func(name string) string { return own[name] },
		setenv:   func(name, value string) error { own[name] = value; return nil },
		stderr:   &stderr,
	}, &stderr
}

// A wrong command line exits 64.
func TestRun_wrongCommandLine(t *testing.T) {
	for _, args := range []string{
		"", "bogus", "config", "config --bogus", "wait", "wait --bogus tcp://h:1", "wait nothing", "config nothing", "wait tcp://h", "wait mongodb://u:secret@/", "exec", "exec --umask 9 -- true", "start",
	} {
		t.Run(args, func(t *testing.T) {
			p, stderr := inImage(t, contract.Contract{}, nil)
			if code := p.run(t.Context(), strings.Fields(args)); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if stderr.Len() == 0 || strings.Contains(stderr.String(), "secret") {
				t.Errorf("stderr: %q", stderr)
			}
		})
	}
}

// A missing contract exits 78.
func TestRun_noContract(t *testing.T) {
	p := program{contract: filepath.Join(t.TempDir(), "none.json"), getenv: os.Getenv, stderr: &bytes.Buffer{}}
	for _, command := range []string{"config", "wait"} {
		if code := p.run(t.Context(), []string{command, "name"}); code != exitConfig {
			t.Errorf("%s: exit code %d, want %d", command, code, exitConfig)
		}
	}
}
