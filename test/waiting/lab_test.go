package waiting

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

func TestMongoDB(t *testing.T) {
	open, guarded := env.lab.MongoDB, env.lab.AuthMongoDB
	me := env.lab.AuthUser + ":" + env.lab.AuthPassword + "@"
	ask(t,
		probe{url: "mongodb://" + open},
		probe{url: "mongodb://" + open + "/pulp_database?w=1"},
		probe{url: "mongodb://127.0.0.1:1," + open},
		probe{url: "mongodb://" + guarded},
		probe{url: "mongodb://" + me + guarded},
		probe{url: "mongodb://" + me + guarded + "/?authMechanism=SCRAM-SHA-1"},
		probe{"mongodb://" + strings.Replace(me, ":", ":s3cret", 1) + guarded, 77, `refused the credentials: "Authentication failed."`},
		probe{"mongodb://nobody:s3cret@" + guarded, 77, `refused the credentials: "Authentication failed."`},
		probe{"mongodb://" + open + "/?replicaSet=rs", 69, `not in the replica set "rs"`},
		probe{"mongodb://" + open + "/?tls=true", 69, "TLS: "},
		probe{"mongodb://127.0.0.1:1", 69, "connection refused"},
		probe{"mongodb://no-such-host.invalid", 69, "the name does not resolve"},
		probe{"mongodb://" + env.lab.AMQP, 69, "something else listens there: an AMQP broker"},
		probe{"mongodb://" + strings.TrimPrefix(env.lab.RepoURL, "http://"), 69, "something else listens there: a web server"},
	)
}

func TestAMQP(t *testing.T) {
	broker := env.lab.AMQP
	probes := []probe{
		{url: "amqp://" + broker},
		{url: "qpid://guest@" + env.lab.MongoDB, code: 69}, // it does not speak AMQP
		{url: "amqp://guest@" + broker},
		{url: "amqp://guest:guest@" + broker},
		{url: "amqp://guest:guest@" + broker + "/%2F"},
		{url: "amqp://" + env.lab.AuthUser + ":" + env.lab.AuthPassword + "@" + broker},
		{"amqp://guest:s3cret@" + broker, 77, "ACCESS_REFUSED"},
		{"amqp://guest:guest@" + broker + "/none", 69, "vhost none not found"},
		{"amqps://" + broker, 69, "TLS: the server does not speak it: it looks like an AMQP broker"},
		{"amqp://" + strings.TrimPrefix(env.lab.RepoURL, "http://"), 69, "something else listens there: a web server"},
	}
	ask(t, probes...)
}

// RabbitMQ speaks AMQP 1.0 to who asks for it. Behind this server, one has to.
func TestAMQP10(t *testing.T) {
	for _, offer := range []string{"AMQP\x03\x01\x00\x00", "AMQP\x00\x01\x00\x00"} {
		broker := without091(t, env.lab.AMQP, offer)
		ask(t,
			probe{url: "amqp://guest:guest@" + broker},
			probe{"amqp://guest:s3cret@" + broker, 77, "refused the credentials"},
		)
	}
	ask(t, probe{url: "amqp://" + without091(t, env.lab.AMQP, "AMQP\x03\x01\x00\x00")})
}

// without091 runs a server that hands connections on to a broker, except those of AMQP 0-9-1: to them it offers another version.
func without091(t *testing.T, broker, offer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				client := bufio.NewReader(c)
				if header, err := client.Peek(8); err != nil || string(header) == "AMQP\x00\x00\x09\x01" {
					_, _ = io.WriteString(c, offer)
					return
				}
				to, err := net.Dial("tcp", broker)
				if err != nil {
					return
				}
				defer to.Close()
				serving.Go(func() {
					_, _ = io.Copy(c, to)
					c.Close()
				})
				_, _ = io.Copy(to, client)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// Wait waits for a database that starts late.
func TestWait_lateDatabase(t *testing.T) {
	control(t, "/mongodb/stop")
	t.Cleanup(func() { control(t, "/mongodb/start") })
	cmd := exec.CommandContext(t.Context(), env.helper, "wait", "--timeout", "5s", "--tries", "1000", "--interval", "50ms", "mongodb://"+env.lab.MongoDB, "amqp://"+env.lab.AMQP)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stderr)
	first, err := lines.ReadString('\n')
	if err != nil || !strings.Contains(first, "try 1 of 1000: connection refused: nothing listens there; next try in 50ms") {
		t.Errorf("first line %q, %v", first, err)
	}
	control(t, "/mongodb/start")
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(string(rest), ": available at try ") {
		t.Errorf("%v: %s", err, rest)
	}
}

func TestHTTP(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	ask(t,
		probe{url: env.lab.RepoURL + "/rhel-pulp.repo"},
		probe{url: "http://" + env.lab.Registry + "/v2/"},
		probe{url: "http://" + env.lab.AuthUser + ":" + env.lab.AuthPassword + "@" + env.lab.AuthRegistry + "/v2/"},
		probe{"http://me:s3cret@" + env.lab.AuthRegistry + "/v2/", 77, "401 Unauthorized"},
		probe{server.URL, 69, "TLS: the server's certificate is signed by an authority that is not trusted here"},
		probe{"http://" + env.lab.AMQP, 69, "something else listens there: an AMQP broker"},
	)
}
