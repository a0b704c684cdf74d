//go:build linux

package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/tonistiigi/fsutil"
)

// step solves one RUN of the probe, on a root file system of nothing else, and
// hands what it prints to log.
func step(ctx context.Context, c *client.Client, probeDir string, log func(string), args ...string) error {
	root := llb.Local("probe", llb.SharedKeyHint("probe"))
	run := root.Run(llb.Args(append([]string{"/probe"}, args...))).Root()
	def, err := run.Marshal(ctx)
	if err != nil {
		return err
	}
	dir, err := fsutil.NewFS(probeDir)
	if err != nil {
		return err
	}
	progress := make(chan *client.SolveStatus)
	done := make(chan struct{})
	var output strings.Builder
	go func() {
		defer close(done)
		for s := range progress {
			for _, l := range s.Logs {
				output.Write(l.Data)
				if log != nil {
					log(string(l.Data))
				}
			}
		}
	}()
	_, err = c.Solve(ctx, def, client.SolveOpt{LocalMounts: map[string]fsutil.FS{"probe": dir}}, progress)
	<-done
	if err != nil {
		return fmt.Errorf("%w\n%s", err, output.String())
	}
	return nil
}

// configureHost puts a broken buildkitd.toml where buildkitd reads its defaults,
// for this process's mount namespace only.
func configureHost() error {
	upper, err := os.MkdirTemp("", "pulpimg-etc-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(upper)
	if err := syscall.Mount("tmpfs", upper, "tmpfs", 0, ""); err != nil {
		return err
	}
	defer syscall.Unmount(upper, syscall.MNT_DETACH)
	for _, d := range []string{"up/buildkit", "work"} {
		if err := os.MkdirAll(filepath.Join(upper, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(upper, "up/buildkit/buildkitd.toml"), []byte("not toml at all"), 0o644); err != nil {
		return err
	}
	return syscall.Mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir="+upper+"/up,workdir="+upper+"/work")
}
