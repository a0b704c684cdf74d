package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A program is one that the machine runs.
type program struct {
	path  string
	args  []string
	ready func(context.Context) error // nil when nothing waits for it
}

// A process is a program that was started.
type process struct {
	program
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

// start starts the program in a process group of its own, with a log below the directory.
func (p program) start(dir string) (*process, error) {
	r := &process{program: p, log: filepath.Join(dir, filepath.Base(p.path)), ended: make(chan struct{})}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	log, err := os.Create(r.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	r.cmd = exec.Command(p.path, p.args...)
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.Env = append(os.Environ(), machineVar+"=")
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(p.path), err)
	}
	go func() { // ends with the program
		defer close(r.ended)
		_ = r.cmd.Wait()
	}()
	return r, nil
}

func (p *process) waitUntilReady(ctx context.Context) error {
	if p.ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return p.failure(fmt.Sprintf("is not ready: %v", err))
		case <-p.ended:
			return p.failure("ended")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// failure says what became of the program, with the end of its log.
func (p *process) failure(what string) error {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("%s %s; it said\n%s", filepath.Base(p.path), what, strings.Join(lines[max(0, len(lines)-15):], "\n"))
}

// stop asks the program's process group to end, and after the patience kills it.
func (p *process) stop(patience time.Duration) {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
		return
	case <-time.After(patience):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// endOthers kills, one by one, all other processes of this namespace, in which this is the first, and waits for them.
func endOthers() error {
	for {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		left := false
		for _, e := range entries {
			if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() {
				left = true
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
			}
		}
		if !left {
			return nil
		}
		// What has lost its parent is ours to wait for.
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid <= 0 {
				break
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}
