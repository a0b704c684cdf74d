//go:build linux

package main

import (
	"bufio"
	"errors"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// freeAddress returns an address at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	defer l.Close()
	return l.Addr().String()
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// answering returns the host and the port of a server that answers each connection with a text.
func answering(t *testing.T, text string) (host, port string) {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(c).ReadString('\n')
			_, _ = c.Write([]byte(text))
			c.Close()
		}
	}()
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// Wait prints nothing if a service of the contract is available.
func TestWait_quietIfAvailable(t *testing.T) {
	host, port := answering(t, "HTTP/1.1 200 OK\r\n\r\n")
	p, stderr := inImage(t, contract.Contract{
		Environment: []contract.Variable{{Name: "DB_SERVICE_HOST", Default: &host}},
		Services:    []contract.Service{{Name: "database", URL: "http://${DB_SERVICE_HOST}:${DB_SERVICE_PORT}/x", Tries: 1}},
	}, map[string]string{"DB_SERVICE_PORT": port})
	if code := p.run(t.Context(), []string{"wait", "database"}); code != exitOK || stderr.Len() > 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// For a service that is not available, wait names the variables that its address comes from.
func TestWait_namesTheVariables(t *testing.T) {
	_, port, _ := net.SplitHostPort(freeAddress(t))
	host := "127.0.0.1"
	p, stderr := inImage(t, contract.Contract{
		Environment: []contract.Variable{{Name: "DB_SERVICE_HOST", Default: &host}},
		Services:    []contract.Service{{Name: "database", URL: "mongodb://${DB_SERVICE_HOST}:${DB_SERVICE_PORT}/${DB_SERVICE_HOST}", Tries: 2, Interval: time.Millisecond}},
	}, map[string]string{"DB_SERVICE_PORT": port})
	code := p.run(t.Context(), []string{"wait", "database"})
	at := "database (127.0.0.1:" + port + ")"
	want := "pulp-helper wait: " + at + ": try 1 of 2: connection refused: nothing listens there; next try in 1ms\n" +
		"pulp-helper: wait: " + at + " is not available after 2 tries: connection refused: nothing listens there (it comes from DB_SERVICE_HOST, DB_SERVICE_PORT)\n"
	if code != exitUnavailable || stderr.String() != want {
		t.Errorf("exit code %d, standard error\n%s, want\n%s", code, stderr, want)
	}
}

// Refused credentials end the waiting at once.
func TestWait_refusedCredentials(t *testing.T) {
	host, port := answering(t, "HTTP/1.1 401 Unauthorized\r\n\r\n")
	p, stderr := inImage(t, contract.Contract{
		Environment: []contract.Variable{{Name: "PASSWORD", Secret: true}, {Name: "HOST", Secret: true}},
		Services:    []contract.Service{{Name: "web", URL: "http://me:${PASSWORD}@${HOST}:" + port, Tries: 12, Interval: time.Hour}},
	}, map[string]string{"PASSWORD": "p@:/?#%ss", "HOST": host})
	code := p.run(t.Context(), []string{"wait", "web"})
	want := "pulp-helper: wait: web (***:" + port + ") is not available after 1 try: the server refused the credentials: \"401 Unauthorized\"" +
		" (it comes from PASSWORD, HOST)\n"
	if code != exitCredentials || stderr.String() != want {
		t.Errorf("exit code %d, standard error\n%s, want\n%s", code, stderr, want)
	}
}

// A secret that holds several hosts is not shown.
func TestWait_hidesHosts(t *testing.T) {
	a, b := freeAddress(t), freeAddress(t)
	p, stderr := inImage(t, contract.Contract{
		Environment: []contract.Variable{{Name: "HOSTS", Secret: true}},
		Services:    []contract.Service{{Name: "database", URL: "mongodb://${HOSTS}", Tries: 1}},
	}, map[string]string{"HOSTS": a + "," + b})
	code := p.run(t.Context(), []string{"wait", "database"})
	want := "pulp-helper: wait: database (***,***) is not available after 1 try: ***: connection refused: nothing listens there; " +
		"***: connection refused: nothing listens there (it comes from HOSTS)\n"
	if code != exitUnavailable || stderr.String() != want {
		t.Errorf("exit code %d, standard error\n%s, want\n%s", code, stderr, want)
	}
}

// A variable that makes a URL wrong ends wait with 78.
func TestWait_wrongURL(t *testing.T) {
	c := contract.Contract{
		Environment: []contract.Variable{{Name: "DB_SERVICE_PORT"}, {Name: "SECRET", Secret: true}},
		Services:    []contract.Service{{Name: "database", URL: "mongodb://db:${DB_SERVICE_PORT}"}, {Name: "hidden", URL: "tcp://db:${SECRET}"}},
	}
	for _, test := range []struct {
		name, variable, value, want, not string
	}{
		{"database", "DB_SERVICE_PORT", "tcp://10.0.0.1:27017", `the URL of database is wrong (it comes from DB_SERVICE_PORT)`, "Usage"},
		{"database", "", "", "DB_SERVICE_PORT is not set", "Usage"},
		{"hidden", "SECRET", "s3cret", `"tcp://db:***"`, "s3cret"},
	} {
		p, stderr := inImage(t, c, map[string]string{test.variable: test.value})
		code := p.run(t.Context(), []string{"wait", test.name})
		if code != exitConfig || !strings.Contains(stderr.String(), test.want) || strings.Contains(stderr.String(), test.not) {
			t.Errorf("%s=%s: exit code %d, stderr %q, want %q in it", test.variable, test.value, code, stderr, test.want)
		}
	}
}

// Wait refuses a command line it cannot use.
func TestWait_wrongCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"wait":                             "name the services to wait for",
		"wait --tries 0 tcp://h:1":         "it is a number above 0",
		"wait --tries -1 tcp://h:1":        "it is a number above 0",
		"wait --interval 5 tcp://h:1":      "it is a time above 0 with its unit",
		"wait --timeout 0s tcp://h:1":      "it is a time above 0 with its unit",
		"wait --bogus tcp://h:1":           "-bogus",
		"wait databse":                     `no service called "databse", but database`,
		"wait ftp://me:secret@h":           `support for the protocol "ftp"`,
		"wait tcp://h":                     "it names no port",
		"wait amqp://me:sec/ret@h":         "write / as %2F",
		"wait amqp://me:secret@a,b":        "it names 2 hosts",
		"wait postgres://h?sslmode=secret": "sslmode is invalid",
	} {
		p, stderr := inImage(t, contract.Contract{Services: []contract.Service{{Name: "database", URL: "tcp://h:1"}}}, nil)
		code := p.run(t.Context(), strings.Fields(args))
		first, rest, _ := strings.Cut(stderr.String(), "\n")
		if code != exitUsage || !strings.Contains(first, want) || !strings.HasPrefix(rest, "Usage:") {
			t.Errorf("%s: exit code %d, stderr\n%s", args, code, stderr)
		}
		if strings.Contains(stderr.String(), "secret") || strings.Contains(first, "sec/") {
			t.Errorf("%s: the password is shown:\n%s", args, stderr)
		}
	}
}

// Wait ends with a signal.
func TestWait_signal(t *testing.T) {
	silent := listen(t, "127.0.0.1:0")
	for _, test := range []struct {
		name, url string
		ready     func(*testing.T, *bufio.Reader)
	}{
		{"in a pause", "tcp://" + freeAddress(t), func(t *testing.T, stderr *bufio.Reader) {
			if line, err := stderr.ReadString('\n'); err != nil || !strings.Contains(line, "next try in 1h0m0s") {
				t.Errorf("first line %q, %v", line, err)
			}
		}},
		{"in the middle of a try", "redis://" + silent.Addr().String(), func(t *testing.T, _ *bufio.Reader) {
			if _, err := silent.Accept(); err != nil {
				t.Error(err)
			}
		}},
	} {
		for signal, code := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
			t.Run(test.name+" with "+signal.String(), func(t *testing.T) {
				cmd := helper(t.Context(), "wait", "--interval", "1h", "--timeout", "1h", test.url)
				stderr, err := cmd.StderrPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				test.ready(t, bufio.NewReader(stderr))
				if err := cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				var exit *exec.ExitError
				if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != code {
					t.Errorf("%v, want exit code %d", err, code)
				}
			})
		}
	}
}

// What a kubelet sets in a cluster with IPv6 is an address without brackets.
func TestWait_IPv6(t *testing.T) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := contract.Contract{Services: []contract.Service{{Name: "db", URL: "tcp://${HOST}:${PORT}", Tries: 1, Timeout: 5 * time.Second}}}
	for _, host := range []string{"::1", "[::1]", "::1%lo"} {
		p, stderr := inImage(t, c, map[string]string{"HOST": host, "PORT": port})
		if code := p.run(t.Context(), []string{"wait", "db"}); code != exitOK {
			t.Errorf("%s: exit code %d: %s", host, code, stderr)
		}
	}
}

// The stages read some variables as the libraries do that they are made of. A probe waits without a start.
func TestWait_defaults(t *testing.T) {
	for _, command := range []string{"start", "wait"} {
		t.Run(command, func(t *testing.T) {
			l := listen(t, "127.0.0.1:0")
			asked := make(chan string, 1)
			go func() { // ends when the listener is closed
				defer close(asked)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_ = c.SetDeadline(time.Now().Add(time.Second))
					data := make([]byte, 200)
					n, _ := c.Read(data)
					select {
					case asked <- string(data[:n]):
					default:
					}
					c.Close()
				}
			}()
			c := contract.Contract{
				Environment: []contract.Variable{{Name: "PGSSLMODE", Default: text("disable")}, {Name: "PGAPPNAME", Default: text("by-default")}},
				Services:    []contract.Service{{Name: "db", URL: "postgres://me@" + l.Addr().String() + "/x", Tries: 1, Timeout: 2 * time.Second}},
			}
			s := newStart(t, c, "wait db", "become -- /bin/true")
			cmd := s.command(nil)
			if command == "wait" {
				cmd.Args = []string{cmd.Args[0], "wait", "db"}
			}
			out, _ := cmd.CombinedOutput()
			l.Close()
			if got := <-asked; cmd.ProcessState.ExitCode() != exitUnavailable || !strings.Contains(got, "by-default") {
				t.Errorf("%v, %s; the server was asked %q", cmd.ProcessState, out, got)
			}
		})
	}
}
