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
	last          error         // why the machine has ended; to be read when it has
	ready         bool
	namespace     *os.File // of the machine's network
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
	c.machine.Stdout = stdout
	err = c.machine.Start()
	stdout.Close()
	if err != nil {
		close(c.ended)
		return errors.Join(err, reports.Close())
	}
	said := make(chan string, 2) // nobody may be listening any more
	go func() {                  // ends with the machine
		defer close(c.ended)
		defer reports.Close()
		defer close(said)
		for lines := bufio.NewScanner(reports); lines.Scan(); {
			if word := lines.Text(); word == "network" || word == "programs" {
				said <- word
			} else {
				c.last = errors.New(strings.ReplaceAll(word, "\t", "\n"))
			}
		}
		if err := c.machine.Wait(); c.last == nil {
			c.last = fmt.Errorf("the machine has ended: %v", err)
		}
	}()
	if err := c.expect(ctx, said, "network"); err != nil {
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
	if err := c.expect(ctx, said, "programs"); err != nil {
		return err
	}
	return c.waitForNode(ctx)
}

// expect waits for the machine's next report.
func (c *Cluster) expect(ctx context.Context, said <-chan string, word string) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case got, ok := <-said:
		if !ok {
			<-c.ended
			return c.last
		}
		if got != word {
			return fmt.Errorf("the machine said %q instead of %q", got, word)
		}
		return nil
	}
}

func (c *Cluster) waitForNode(ctx context.Context) error {
	for {
		_, err := c.Kubectl(ctx, "wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
		if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "no matching resources") {
			c.ready = err == nil
			return err
		}
		select { // the kubelet has not made it known yet
		case <-ctx.Done():
		case <-c.ended:
			return c.last
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
	if c.ready {
		errs = append(errs, c.early())
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
	// Nothing is there any more, unless the machine was killed.
	return errors.Join(append(errs, unmountBelow(c.dir), removeCgroups(cgroupOf(c.dir)), os.RemoveAll(c.dir))...)
}

// early returns why the machine has ended, if it has.
func (c *Cluster) early() error {
	select {
	case <-c.ended:
		return fmt.Errorf("the machine has ended by itself: %w", c.last)
	default:
		return nil
	}
}
