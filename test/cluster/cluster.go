package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Config says what a cluster is made of.
type Config struct {
	Programs string // directory with Kubernetes' programs
	Pause    string // reference of the image whose only process keeps the namespaces of a pod
	Registry string // HOST:PORT of a registry without TLS, whose address is the same in the cluster
	// Relays are addresses in the cluster's network, each with the one outside that it leads to.
	Relays map[string]string
}

// Node is the address of the machine, to which pods and Services may lead.
const Node = "172.30.0.1"

// A Cluster is one that runs.
type Cluster struct {
	dir, programs string
	machine       *exec.Cmd
	alive         io.Closer     // the machine ends when this is closed
	ended         chan struct{} // closed when the machine has ended
	namespace     *os.File      // of the machine's network
	relays        []*relay
	names         *nameServer
}

// machineVar is set in the machine's first process: the directory of the cluster.
const machineVar = "PULPIMG_CLUSTER_MACHINE"

// Start starts a cluster and waits until its node is ready. The program that calls it has to begin with Main.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "pulpimg-cluster-")
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(config)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c := &Cluster{dir: dir, programs: config.Programs, ended: make(chan struct{})}
	if err := c.start(ctx, config); err != nil {
		return nil, fmt.Errorf("starting a cluster: %w", errors.Join(err, c.Close()))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, config Config) error {
	// A group of its own: an interrupt of the keyboard is for the tests, which then close the cluster.
	c.machine = exec.Command("/proc/self/exe")
	c.machine.Env = append(os.Environ(), machineVar+"="+c.dir)
	c.machine.Stderr = os.Stderr
	c.machine.SysProcAttr = &syscall.SysProcAttr{Setpgid: true,
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS}
	orders, err := c.machine.StdinPipe()
	if err != nil {
		return err
	}
	c.alive = orders
	reports, stdout, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reports.Close()
	c.machine.Stdout = stdout
	err = c.machine.Start()
	stdout.Close()
	if err != nil {
		close(c.ended)
		return err
	}
	go func() { // ends with the machine
		defer close(c.ended)
		_ = c.machine.Wait()
	}()
	stop := context.AfterFunc(ctx, func() { reports.Close() })
	defer stop()
	lines := bufio.NewScanner(reports)
	if err := expect(ctx, lines, "network"); err != nil {
		return err
	}
	if c.namespace, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", c.machine.Process.Pid)); err != nil {
		return err
	}
	for from, to := range config.Relays {
		if err := c.Relay(from, to); err != nil {
			return err
		}
	}
	if err := c.serveNames(); err != nil {
		return err
	}
	if _, err := io.WriteString(orders, "go\n"); err != nil {
		return err
	}
	if err := expect(ctx, lines, "programs"); err != nil {
		return err
	}
	return c.waitForNode(ctx)
}

// expect reads the machine's next report, which is the word or what went wrong.
func expect(ctx context.Context, lines *bufio.Scanner, word string) error {
	switch {
	case lines.Scan() && lines.Text() == word:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case lines.Text() != "":
		return errors.New(strings.ReplaceAll(lines.Text(), "\t", "\n"))
	default:
		return errors.New("the machine has ended")
	}
}

func (c *Cluster) waitForNode(ctx context.Context) error {
	for {
		out, err := c.Kubectl(ctx, "wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
		if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "no matching resources") {
			return err
		}
		_ = out // the kubelet has not made it known yet
		select {
		case <-ctx.Done():
		case <-c.ended:
			return errors.New("the machine has ended")
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// Close ends the cluster, and with it everything that runs in it. What it left on the disk is removed.
func (c *Cluster) Close() error {
	var errs []error
	for _, r := range c.relays {
		errs = append(errs, r.close())
	}
	if c.names != nil {
		errs = append(errs, c.names.close())
	}
	if c.namespace != nil {
		errs = append(errs, c.namespace.Close())
	}
	if c.alive != nil {
		_ = c.alive.Close() // it may have ended by itself
		select {
		case <-c.ended:
		case <-time.After(30 * time.Second):
			errs = append(errs, errors.New("the machine of the cluster did not end within 30 s, and was killed"), c.machine.Process.Kill())
			<-c.ended
		}
	}
	return errors.Join(append(errs, unmountBelow(c.dir), os.RemoveAll(c.dir))...)
}
