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

// ErrNoStore reports that neither docker nor podman is there to load images into.
var ErrNoStore = errors.New("neither docker nor podman answers on this machine")

// Load puts images of a layout into the image store of docker or podman, whichever is there and answers, docker first. It returns which
// one it was.
func Load(ctx context.Context, from *layout.Layout, built []layout.Image) (tool string, err error) {
	if _, err := archiveImages(from, built); err != nil {
		return "", err
	}
	if tool, err = Tool(ctx); err != nil {
		return "", err
	}
	return tool, LoadInto(ctx, tool, from, built)
}

// LoadInto puts images of a layout into the image store of a tool: docker or podman.
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

// Tool finds the tool that answers, docker or podman, docker first: it may be installed without a daemon that runs.
func Tool(ctx context.Context) (string, error) {
	for _, tool := range []string{"docker", "podman"} {
		if exec.CommandContext(ctx, tool, "info").Run() == nil {
			return tool, nil
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
	}
	return "", ErrNoStore
}
