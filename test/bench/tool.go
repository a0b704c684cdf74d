package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A tool builds a family and pushes it.
type tool struct {
	name     string
	registry string // what it pushes to; each tool has a place of its own
	command  func(context.Context, family) *exec.Cmd
	after    func() // after each build; may be nil
}

// build returns how long the tool took, from its start to its end.
func (t tool) build(ctx context.Context, f family) (time.Duration, error) {
	cmd := t.command(ctx, f)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin)
	if err != nil {
		return 0, fmt.Errorf("building with %s: %w\n%s", t.name, err, &out)
	}
	if t.after != nil {
		t.after()
	}
	return took, nil
}

// pulpimg builds with its own files below dir and pushes to a place in the site's registry. It is given no engine: if it needs one, it starts
// its own, and that is part of its time.
func pulpimg(dir string, s site, place string) tool {
	registry := s.registry + "/" + place
	return tool{name: "pulpimg", registry: registry, command: func(ctx context.Context, f family) *exec.Cmd {
		args := []string{"build", "--push", "--progress", "quiet", "-f", f.spec, "--registry", registry, "--source-policy", s.policy}
		if f.assets != "" {
			args = append(args, "--assets", f.assets)
		}
		cmd := exec.CommandContext(ctx, "bin/pulpimg", args...)
		cmd.Env = environment(dir)
		return cmd
	}}
}

// builder is the name of the engine in buildx.
const builder = "bench"

// bake builds with the program buildx on the engine at the address, with its own files below dir, and pushes to a place in the site's
// registry. The site's addresses stand in the Dockerfiles, which is quicker than a source policy.
func bake(ctx context.Context, dir, program, address string, s site, place string) (tool, error) {
	env := bakeEnvironment(dir)
	if err := createBuilder(ctx, program, address, env); err != nil {
		return tool{}, err
	}
	registry := s.registry + "/" + place
	env = append(env, "REGISTRY="+registry, "BASE="+s.base(), "PULP_REPO="+s.repoURL+"/fedora-pulp.repo")
	return tool{name: "buildx bake", registry: registry, command: func(ctx context.Context, f family) *exec.Cmd {
		cmd := exec.CommandContext(ctx, program, "bake", "--progress", "quiet")
		cmd.Dir = f.bake
		cmd.Env = append(env, "ROLES="+strings.Join(f.roles, ","))
		return cmd
	}}, nil
}

// bakeEnvironment is that of buildx, with its own files below dir.
func bakeEnvironment(dir string) []string {
	return append(environment(dir),
		"BUILDX_CONFIG="+filepath.Join(dir, "buildx"),
		"BUILDX_BUILDER="+builder,
		"BUILDX_NO_DEFAULT_ATTESTATIONS=1", // pulpimg makes none
		"BUILDX_GIT_INFO=0",                // nobody reads it without attestations
	)
}

// createBuilder tells buildx about the engine at the address.
func createBuilder(ctx context.Context, program, address string, env []string) error {
	create := exec.CommandContext(ctx, program, "create", "--name", builder, "--driver", "remote", address)
	create.Env = env
	if out, err := create.CombinedOutput(); err != nil {
		return fmt.Errorf("telling buildx about the engine: %w\n%s", err, out)
	}
	return nil
}

// environment keeps the tools away from the user's own files.
func environment(dir string) []string {
	return append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "DOCKER_CONFIG="+filepath.Join(dir, "docker"))
}

// buildBuildx compiles buildx, or finds it compiled.
func buildBuildx(ctx context.Context) (program string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("looking for the user's cache folder: %w", err)
	}
	program = filepath.Join(cache, "pulpimg-bench", "buildx")
	cmd := exec.CommandContext(ctx, "go", "build", "-C", "test/bench/buildx", "-trimpath", "-ldflags", "-s -w",
		"-o", program, "github.com/docker/buildx/cmd/buildx")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling buildx: %w\n%s", err, out)
	}
	return program, nil
}
