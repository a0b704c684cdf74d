package cluster

import (
	"context"
	"encoding/json"
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

// A visitor asks for a page again and again, up to 20 times a second, and counts what it gets.
type visitor struct {
	asked   int
	failed  []string
	answers map[string]int
}

func (v *visitor) count(answer, failure string) {
	if v.asked++; failure != "" {
		v.failed = append(v.failed, failure)
	} else {
		v.answers[answer]++
	}
}

// visit starts a visitor on the machine itself, which ends with the test at latest. The function ends it and returns what it got.
func (c *Cluster) visit(t *testing.T, url string) func() *visitor {
	t.Helper()
	ctx, stop := context.WithTimeout(env.ctx, 5*time.Minute)
	v := &visitor{answers: map[string]int{}}
	var done sync.WaitGroup
	end := func() *visitor {
		stop()
		done.Wait()
		return v
	}
	t.Cleanup(func() { end() })
	done.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			text, err := c.ask(ctx, http.MethodGet, url, "")
			if ctx.Err() != nil {
				return // it was ended while it asked
			}
			if err != nil {
				v.count("", err.Error())
			} else {
				v.count(text, "")
			}
		}
	})
	return end
}

// visitFromPod starts a visitor in a pod, whose requests take another way through the rules for Services than the machine's own.
func (n namespace) visitFromPod(t *testing.T, url string) func() *visitor {
	t.Helper()
	n.kubectl(t, "run", "visitor", "--image="+pushVisitor(t), "--restart=Never", "--", url)
	n.kubectl(t, "wait", "--for=condition=Ready", "pod/visitor", "--timeout=60s")
	return func() *visitor {
		t.Helper()
		v := &visitor{answers: map[string]int{}}
		for line := range strings.Lines(n.kubectl(t, "logs", "visitor")) {
			var visit struct{ Answer, Error string }
			if err := json.Unmarshal([]byte(line), &visit); err != nil {
				t.Fatalf("the visitor says %q: %v", line, err)
			}
			v.count(visit.Answer, visit.Error)
		}
		n.kubectl(t, "delete", "pod", "visitor", "--timeout=60s")
		return v
	}
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
