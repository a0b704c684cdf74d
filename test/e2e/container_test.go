package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// containers counts those that were started, to give each a name.
var containers atomic.Int64

// A container is one that podman runs, as a user would start it.
type container struct {
	podman
	name  string
	image string
}

// detach starts a container in the background. It sees the machine's network, because the lab is on 127.0.0.1; the rest of the options
// are given.
func (p podman) detach(t *testing.T, image string, options ...string) container {
	t.Helper()
	p.pull(t, image)
	c := container{podman: p, name: fmt.Sprintf("pulpimg-e2e-%d-%d", os.Getpid(), containers.Add(1)), image: image}
	id := p.run(t, append(append([]string{"run", "--detach", "--name", c.name, "--network", "host",
		"--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024"}, options...), image)...)
	c.removeAfter(t, id)
	return c
}

// removeAfter removes the container with the ID when the test is over.
func (c container) removeAfter(t *testing.T, id string) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s said:\n%s", c.image, c.logs(t))
		}
		c.run(t, "rm", "--force", "--time", "0", c.name)
		// Podman does not wait for the process that watched the container, which cleans up behind it.
		eventually(t, "nothing is left of "+c.name, func() bool { return len(processes(id)) == 0 })
	})
}

// logs returns the container's output, on both streams.
func (c container) logs(t *testing.T) string {
	t.Helper()
	out, err := c.command("logs", c.name).CombinedOutput()
	if err != nil {
		t.Fatalf("podman logs: %v\n%s", err, out)
	}
	return string(out)
}

// says waits until the container has printed something.
func (c container) says(t *testing.T, text string) {
	t.Helper()
	c.saysTimes(t, text, 1)
}

// saysTimes waits until the container has printed something so many times.
func (c container) saysTimes(t *testing.T, text string, times int) {
	t.Helper()
	file := c.run(t, "inspect", "--format", "{{.HostConfig.LogConfig.Path}}", c.name) // to start podman again and again would take a processor
	eventually(t, fmt.Sprintf("%s says %q %d times", c.image, text, times), func() bool {
		log, err := os.ReadFile(file)
		return err == nil && strings.Count(output(string(log)), text) >= times
	})
}

// output returns what a container has printed, from its log.
// https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
func output(log string) string {
	var out strings.Builder
	for line := range strings.Lines(log) {
		fields := strings.SplitN(line, " ", 4) // time, stream, tag, text
		if len(fields) < 4 {
			continue // podman is still writing it
		}
		if fields[2] == "P" { // a part of a line
			fields[3] = strings.TrimSuffix(fields[3], "\n")
		}
		out.WriteString(fields[3])
	}
	return out.String()
}

// exec runs a command in the container and returns what it prints.
func (c container) exec(t *testing.T, command ...string) string {
	t.Helper()
	return c.run(t, append([]string{"exec", c.name}, command...)...)
}

// wait waits for the container's end and returns its exit code.
func (c container) wait(t *testing.T) int {
	t.Helper()
	c.run(t, "wait", c.name)
	var state string
	eventually(t, c.image+" ends", func() bool {
		state = c.run(t, "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", c.name)
		return strings.HasPrefix(state, "exited ")
	})
	code, err := strconv.Atoi(strings.TrimPrefix(state, "exited "))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// stop stops the container as a user does, and returns its exit code: 137 if it did not end by itself. The limit only ends a test that fails.
func (c container) stop(t *testing.T) int {
	t.Helper()
	c.run(t, "stop", "--time", "30", c.name)
	return c.wait(t)
}

// python runs a script in a new container of the image and returns what it prints.
func (p podman) python(t *testing.T, image, script string, args ...string) string {
	t.Helper()
	p.pull(t, image)
	return p.run(t, append([]string{"run", "--rm", "--network", "host", "--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024",
		"--entrypoint", "/usr/bin/python3", image, "-c", script}, args...)...)
}

// syslog is a stand-in for the host's: a socket that takes what is logged. It returns the options that mount it where the images want it.
func syslog(t *testing.T) []string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "log")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() { // ends when the socket is closed
		defer close(read)
		_, _ = io.Copy(io.Discard, l)
	}()
	t.Cleanup(func() { l.Close(); <-read })
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	return []string{"--volume", socket + ":/dev/log"}
}

// hosts counts the addresses that relays were given.
var hosts atomic.Int64

// relay makes a server of the lab known under the port that everybody expects it at, at a loopback address that nothing else uses.
func relay(t *testing.T, port, to string) (host string) {
	t.Helper()
	host = fmt.Sprintf("127.%d.%d.%d", 64+os.Getpid()>>8&0x3f, os.Getpid()&0xff, hosts.Add(1))
	relayAt(t, net.JoinHostPort(host, port), to)
	return host
}

// relayAt makes a server of the lab known at another address too, for the length of the test.
func relayAt(t *testing.T, address, to string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		serveRelay(ctx, l, to)
	}()
	t.Cleanup(func() { stop(); l.Close(); <-done })
}

// serveRelay connects whoever comes to a server, until the context ends.
func serveRelay(ctx context.Context, l net.Listener, to string) {
	var open sync.WaitGroup
	defer open.Wait()
	for {
		client, err := l.Accept()
		if err != nil {
			return // closed
		}
		open.Go(func() {
			defer client.Close()
			server, err := new(net.Dialer).DialContext(ctx, "tcp", to)
			if err != nil {
				return // to the client, as good as a refusal
			}
			defer server.Close()
			end := context.AfterFunc(ctx, func() { client.Close(); server.Close() })
			defer end()
			splice(client, server)
		})
	}
}

// splice copies both ways until one side has ended.
func splice(a, b net.Conn) {
	var copying sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		copying.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			a.Close()
			b.Close()
		})
	}
	copying.Wait()
}

// control stops, starts or resets a service of the lab.
func control(t *testing.T, service, action string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, env.lab.Control+"/"+service+"/"+action, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("%s %s: %s: %s", service, action, response.Status, text)
	}
}
