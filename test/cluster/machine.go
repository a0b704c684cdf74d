package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Main is the first thing that a program that starts clusters calls. In a process that Start has made it does not return.
func Main() {
	dir := os.Getenv(machineVar)
	if dir == "" {
		return
	}
	if err := machine(dir); err != nil {
		// One line; who reads it makes lines of the tabs again.
		fmt.Println(strings.ReplaceAll(err.Error(), "\n", "\t"))
		os.Exit(1)
	}
	os.Exit(0)
}

// machine is the first process of the namespaces. It ends when its standard input does.
func machine(dir string) (err error) {
	var config Config
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	if err != nil {
		return err
	}
	m := &host{dir: dir, config: config, cgroup: cgroupOf(dir)}
	defer func() { err = errors.Join(err, m.end()) }()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	orders := make(chan string)
	go func() { // ends with the process
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			orders <- lines.Text()
		}
		cancel(errStopped)
	}()
	go func() { // ends with the process
		<-terminated
		cancel(errStopped)
	}()

	if err := m.prepare(ctx); err != nil {
		return err
	}
	fmt.Println("network")
	select {
	case <-orders:
	case <-ctx.Done():
		return nil
	}
	if err := m.startPrograms(ctx); err != nil {
		return err
	}
	fmt.Println("programs")
	select {
	case <-ctx.Done():
		return nil
	case p := <-m.anyEnded():
		return p.failure("ended")
	}
}

var errStopped = errors.New("the cluster is being closed")

// host is the machine as its first process has it.
type host struct {
	dir, cgroup string
	config      Config
	running     []*process
	kernel      map[string][]byte // settings, as they were
}

// cgroupOf returns the cgroup of the cluster in a directory.
func cgroupOf(dir string) string { return filepath.Base(dir) }

// end ends what runs, in the order opposite to that in which it was started, then whatever processes are left: those of pods. It
// removes what they leave.
func (m *host) end() error {
	for i := len(m.running) - 1; i >= 0; i-- {
		m.running[i].stop(3 * time.Second)
	}
	return errors.Join(endOthers(), m.restoreKernel(), unmountBelow(m.dir), removeCgroups(m.cgroup), os.RemoveAll(m.dir))
}

// anyEnded tells of the first program that ends.
func (m *host) anyEnded() <-chan *process {
	first := make(chan *process, len(m.running))
	for _, p := range m.running {
		go func() { // ends with the program
			<-p.ended
			first <- p
		}()
	}
	return first
}

// startPrograms starts each program when the one before it is ready.
func (m *host) startPrograms(ctx context.Context) error {
	for _, p := range m.programs() {
		running, err := p.start(filepath.Join(m.dir, "log"))
		if err != nil {
			return err
		}
		m.running = append(m.running, running)
		if err := running.waitUntilReady(ctx); err != nil {
			return err
		}
	}
	return nil
}
