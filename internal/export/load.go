package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// ErrNoStore reports that no tool is there whose image store could be used.
var ErrNoStore = errors.New("no image store answers on this machine")

// nerdctl is the tool of containerd's users. It has the command line of docker.
const nerdctl = "nerdctl"

// Load puts images of a layout into the image store of docker, podman or nerdctl, the first of them that is there and answers. It returns
// which one it was.
func Load(ctx context.Context, from *layout.Layout, built []layout.Image) (tool string, err error) {
	if _, err := archiveImages(from, built); err != nil {
		return "", err
	}
	if tool, err = answering(ctx, "docker", "podman", nerdctl); err != nil {
		return "", err
	}
	return tool, LoadInto(ctx, tool, from, built)
}

// LoadInto puts images of a layout into the image store of a tool: docker, podman or nerdctl.
func LoadInto(ctx context.Context, tool string, from *layout.Layout, built []layout.Image) error {
	images, err := archiveImages(from, built)
	if err != nil {
		return err
	}
	archive, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := writeArchive(ctx, images, w)
		w.CloseWithError(err)
		written <- err
	}()
	var output bytes.Buffer
	load := exec.CommandContext(ctx, tool, "load")
	if tool == nerdctl { // it refuses images of other platforms than its own, which the others take
		load.Args = append(load.Args, "--all-platforms")
	}
	load.Stdin, load.Stdout, load.Stderr = archive, &output, &output
	runErr := load.Run()
	archive.CloseWithError(io.ErrClosedPipe) // the tool may have ended before it read all
	writeErr := <-written
	if runErr != nil {
		return fmt.Errorf("loading the images into %s: %w: %s", tool, runErr, strings.TrimSpace(output.String()))
	}
	if writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) {
		return fmt.Errorf("loading the images into %s: %w", tool, writeErr)
	}
	return nil
}

// Tool finds the tool that answers and can start containers as a spec wants them, docker or podman, docker first. nerdctl has no health
// checks in all of its versions.
func Tool(ctx context.Context) (string, error) { return answering(ctx, "docker", "podman") }

// answering returns the first of the tools that answers: one may be installed without a daemon that runs.
func answering(ctx context.Context, tools ...string) (string, error) {
	for _, tool := range tools {
		if exec.CommandContext(ctx, tool, "info").Run() == nil {
			return tool, nil
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%w: neither %s does", ErrNoStore, strings.Join(tools, " nor "))
}
