package waiting

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

func TestRedis(t *testing.T) {
	open, guarded := freePort(t), freePort(t)
	start(t, nil, "/usr/bin/redis-server", "--bind", "127.0.0.1", "--save", "", "--port", open)
	start(t, nil, "/usr/bin/redis-server", "--bind", "127.0.0.1", "--save", "", "--port", guarded, "--requirepass", "p@:/?#%ss")
	arrive(t, "redis://127.0.0.1:"+open)
	arrive(t, "redis://127.0.0.1:"+guarded)
	ask(t,
		probe{url: "redis://:p%40%3A%2F%3F%23%25ss@127.0.0.1:" + guarded},
		probe{url: "redis://default:p%40%3A%2F%3F%23%25ss@127.0.0.1:" + guarded + "/1"},
		probe{"redis://:s3cret@127.0.0.1:" + guarded, 77, "WRONGPASS"},
		probe{"redis://:s3cret@127.0.0.1:" + open, 77, "without any password configured"},
		probe{"rediss://127.0.0.1:" + open, 69, "TLS: the server does not speak it: it looks like a Redis server"},
		probe{"mongodb://127.0.0.1:" + open, 69, "something else listens there: a Redis server"},
		probe{"postgres://127.0.0.1:" + open, 69, "something else listens there: a Redis server"},
	)
}

func TestPostgreSQL(t *testing.T) {
	as := postgresUser(t)
	for _, method := range []string{"scram-sha-256", "md5", "password"} {
		t.Run(method, func(t *testing.T) {
			port := freePort(t)
			dir := newCluster(t, as, method)
			start(t, as, program(t, "postgres"), "-D", dir, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
			at := "127.0.0.1:" + port
			arrive(t, "postgres://"+at)
			ask(t,
				probe{url: "postgres://me:p%40%3A%2F%3F%23%25ss@" + at + "/postgres"},
				probe{url: "postgresql://me@" + at + "/postgres?sslmode=disable"},
				probe{url: "postgres://127.0.0.1:1," + at + "/postgres"},
				probe{"postgres://me:s3cret@" + at + "/postgres", 77, "password authentication failed"},
				probe{"postgres://me:p%40%3A%2F%3F%23%25ss@" + at + "/none", 69, `database "none" does not exist`},
				probe{"postgres://" + at + "/?sslmode=require", 69, "TLS: server refused TLS connection"},
				probe{"mongodb://" + at, 69, "not available after 1 try"},
				probe{"redis://" + at, 69, "not available after 1 try"},
			)
		})
	}
}

// postgresUser returns whom Debian has for the server, which refuses to run as root.
func postgresUser(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	id := func(text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(n)
	}
	return &syscall.Credential{Uid: id(u.Uid), Gid: id(u.Gid)}
}

// newCluster makes a folder with an empty database, whose user me logs in by the method.
func newCluster(t *testing.T, as *syscall.Credential, method string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pulpimg-waiting-postgres-") // a test's own folder is root's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("p@:/?#%ss\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	cmd := exec.CommandContext(t.Context(), program(t, "initdb"), "-D", data, "-U", "me", "--auth="+method, "--pwfile="+password, "--no-sync", "--locale=C")
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return data
}

// program returns the path of one of PostgreSQL's programs: Debian keeps those of each version apart.
func program(t *testing.T, name string) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s: %v", name, err)
	}
	return found[len(found)-1]
}
