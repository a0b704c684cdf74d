package cluster

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// client asks in the cluster's network, each time with a new connection: Services choose a pod for each connection.
func (c *Cluster) client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: c.Dial, DisableKeepAlives: true}}
}

// ask returns what a server in the cluster answers.
func (c *Cluster) ask(ctx context.Context, method, url, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	answer, err := c.client().Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, text)
	}
	return string(text), err
}

// A visitor asks for a page again and again.
type visitor struct {
	stop    context.CancelFunc
	done    sync.WaitGroup
	asked   int
	failed  []error
	answers map[string]int
}

// visit starts a visitor, 20 times a second at most, which ends with the test at latest.
func (c *Cluster) visit(t *testing.T, url string) *visitor {
	t.Helper()
	ctx, stop := context.WithTimeout(env.ctx, 5*time.Minute)
	v := &visitor{stop: stop, answers: map[string]int{}}
	t.Cleanup(func() { v.end() })
	v.done.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			text, err := c.ask(ctx, http.MethodGet, url, "")
			if ctx.Err() != nil {
				return // it was ended while it asked
			}
			v.asked++
			if err != nil {
				v.failed = append(v.failed, err)
			} else {
				v.answers[text]++
			}
		}
	})
	return v
}

// end ends the visitor. After that, its fields may be read.
func (v *visitor) end() *visitor {
	v.stop()
	v.done.Wait()
	return v
}

// address returns where a Service is, in the cluster's network.
func (n namespace) address(t *testing.T, service string) string {
	t.Helper()
	return n.kubectl(t, "get", "service", service, "-o", "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}")
}

// redis starts an empty server for the length of the test, which pods find at the port of the machine.
func redis(t *testing.T, c *Cluster, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, free, _ := net.SplitHostPort(address)
	cmd := exec.CommandContext(t.Context(), "redis-server", "--bind", "127.0.0.1", "--port", free, "--save", "", "--dir", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})
	go func() { // ends with the server
		defer close(ended)
		// The kernel sends Pdeathsig when the thread that started the child ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the context of the test has ended it
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { <-ended })
	if err := c.Relay(Node+":"+port, address); err != nil {
		t.Fatal(err)
	}
}
