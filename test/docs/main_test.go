package docs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const root = "../.."

// TestMain runs the tests in a lab: if this is none yet, in one of its own.
func TestMain(m *testing.M) {
	if os.Getenv("LAB_REGISTRY") != "" {
		os.Exit(m.Run())
	}
	code, err := inLab()
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		code = 1
	}
	os.Exit(code)
}

// inLab runs this very program in a lab, and returns its exit code.
func inLab() (code int, err error) {
	dir, err := os.MkdirTemp("", "pulpimg-docs-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	lab := filepath.Join(dir, "lab")
	if err := build(filepath.Join(root, "test", "lab"), lab, "."); err != nil {
		return 0, err
	}
	self := exec.CommandContext(context.Background(), lab, append([]string{"run", "--"}, os.Args...)...)
	self.Stdout, self.Stderr = os.Stdout, os.Stderr
	err = self.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// build compiles a program of the module in a directory.
func build(dir, program, pkg string) error {
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", program, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// writePolicy writes the lab's source policy with one more base: what the tutorial starts from, which has a Python like the lab's.
func writePolicy(file string) error {
	data, err := os.ReadFile(os.Getenv("LAB_POLICY"))
	if err != nil {
		return err
	}
	var policy map[string]any
	if err := json.Unmarshal(data, &policy); err != nil {
		return err
	}
	rules, ok := policy["rules"].([]any)
	if !ok {
		return fmt.Errorf("%s has no rules", os.Getenv("LAB_POLICY"))
	}
	policy["rules"] = append([]any{map[string]any{
		"action":   "CONVERT",
		"selector": map[string]any{"identifier": `^docker-image://docker\.io/library/python:3\.12-slim(@.+)?$`, "match_type": "REGEX"},
		"updates":  map[string]any{"identifier": "docker-image://" + os.Getenv("LAB_REGISTRY") + "/fedora:20${1}"},
	}}, rules...)
	if data, err = json.Marshal(policy); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
