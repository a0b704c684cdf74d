package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/pulpimg/pulpimg/test/lab/debian"
)

// FerretDB's module: the last version that has SQLite behind it, and its
// checksum as in a go.sum.
const (
	ferretModule  = "github.com/FerretDB/FerretDB"
	ferretVersion = "v1.24.2"
	ferretSum     = "h1:trrUU0LbmusMbyubhPS1IELncvrIwKrsRT2LW1UUWCw="
)

// ferretProgram is the name of the program that BuildFerretDB makes.
const ferretProgram = "ferretdb"

// FerretDBKey names what BuildFerretDB makes: the same key, the same program.
func FerretDBKey() string {
	sum := sha256.Sum256([]byte(ferretSum + " " + runtime.GOOS + " " + runtime.GOARCH))
	return hex.EncodeToString(sum[:])[:16]
}

// BuildFerretDB compiles FerretDB into the folder result, which is made.
// scratch is a folder that it may leave files in. It needs Go and takes a
// minute and a half.
//
// The module is built as it is published, from a copy: its program wants a file
// that its release builds generate. So its requirements are its own and those
// of no module of ours.
func BuildFerretDB(ctx context.Context, scratch, result string) error {
	module, err := downloadFerretDB(ctx, scratch)
	if err != nil {
		return fmt.Errorf("downloading FerretDB: %w", err)
	}
	source := filepath.Join(scratch, "source")
	if err := os.CopyFS(source, os.DirFS(module)); err != nil {
		return fmt.Errorf("copying FerretDB: %w", err)
	}
	version := filepath.Join(source, "build", "version", "version.txt")
	if err := os.WriteFile(version, []byte(ferretVersion+"\n"), 0o644); err != nil {
		return fmt.Errorf("copying FerretDB: %w", err)
	}
	build := debian.Command{
		Args: []string{
			"go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
			"-o", filepath.Join(result, ferretProgram), "./cmd/ferretdb",
		},
		Env: []string{"GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0"},
		Dir: source,
	}
	if err := build.Run(ctx); err != nil {
		return fmt.Errorf("building FerretDB: %w", err)
	}
	return nil
}

// downloadFerretDB returns the module's folder in the module cache.
func downloadFerretDB(ctx context.Context, scratch string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", ferretModule+"@"+ferretVersion)
	cmd.Dir = scratch
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	text, err := cmd.Output()
	var module struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(text, &module); jsonErr != nil {
		return "", errors.Join(err, jsonErr)
	}
	switch {
	case module.Error != "":
		return "", errors.New(module.Error)
	case err != nil:
		return "", err
	case module.Sum != ferretSum:
		return "", fmt.Errorf("its checksum is %s, want %s", module.Sum, ferretSum)
	}
	return module.Dir, nil
}

// FerretDB returns the service that listens at the address and keeps its data
// in dir. build is the folder that BuildFerretDB made. With credentials it
// lets nobody else in (by SCRAM); without, everybody.
func FerretDB(name, build, dir, address string, c *Credentials) *Service {
	args := []string{
		filepath.Join(build, ferretProgram),
		"--handler=sqlite", "--sqlite-url=file:./", "--state-dir=-",
		"--listen-addr=" + address, "--debug-addr=-",
		"--telemetry=disable", "--log-level=warn",
	}
	if c != nil {
		args = append(args, "--test-enable-new-auth", "--setup-database=admin",
			"--setup-username="+c.User, "--setup-password="+c.Password)
	}
	return &Service{name: name, dir: dir, programs: []program{{args: args, ping: pingMongoDB(address)}}}
}
