package e2e

import (
	"encoding/json"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// hasty is specs/pulp.yaml, with less patience, and with a login for the database, which the real one may or may not need.
var hasty struct {
	once sync.Once
	outcome
}

// hastyImage builds the hasty family, once, and returns the reference of one of its images.
func hastyImage(t *testing.T, name string) string {
	t.Helper()
	registry := env.lab.Registry + env.place + "/hasty"
	hasty.once.Do(func() {
		text, err := os.ReadFile(pulpSpec())
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.NewReplacer(
			"tries: 12, interval: 5s", "tries: 3, interval: 100ms",
			"mongodb://${DB_SERVICE_HOST}", "mongodb://${DB_USER}:${DB_PASSWORD}@${DB_SERVICE_HOST}",
			"\n  MSG_SERVICE_USER:", "\n  DB_USER: { default: lab }\n  DB_PASSWORD: { required: true, secret: true }\n  MSG_SERVICE_USER:",
			"\n      messaging/url:", "\n      database/username: \"${DB_USER}\"\n      database/password: \"${DB_PASSWORD}\"\n      messaging/url:",
		).Replace(string(text)) + strangerRole
		hasty.outcome = warm().build(t, "-f", specFile(t, changed, nil), "--push", "--registry", registry, "--format", "json")
	})
	hasty.ok(t)
	return registry + "/" + name + pulpTag
}

// strangerRole is a role whose user no image has.
const strangerRole = `
  pulp-stranger:
    from: pulp-base
    start:
      user: stranger
      command: [/usr/bin/celery]
`

// unused returns an address of this machine where nothing listens.
func unused(t *testing.T) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return split(t, l.Addr().String())
}

func split(t *testing.T, address string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func envs(assignments ...string) []string {
	var out []string
	for _, a := range assignments {
		out = append(out, "--env", a)
	}
	return out
}

// A container that cannot start says why.
func TestStart_failures(t *testing.T) {
	hastyImage(t, "pulp-beat")
	env.lanes.services.enter(t)
	const password = "wrong-or-right-never-shown"
	var (
		name       = envs("PULP_SERVER_NAME=pulp.example.org")
		secret     = envs("DB_PASSWORD=" + password)
		complete   = append(name, secret...)
		log        = syslog(t)
		_, dbPort  = split(t, env.lab.AuthMongoDB)
		_, nowhere = unused(t)
		web, err   = url.Parse(env.lab.RepoURL)
		known      = envs("DB_USER="+env.lab.AuthUser, "DB_PASSWORD="+env.lab.AuthPassword, "DB_SERVICE_PORT="+dbPort)
		settings   = filepath.Join(t.TempDir(), "server.conf")
		unreadable = filepath.Join(t.TempDir(), "broken.conf")
		join       = func(lists ...[]string) (all []string) {
			for _, list := range lists {
				all = append(all, list...)
			}
			return all
		}
	)
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{settings: "[server]\nserver_name: mine\n", unreadable: "[server]\nserver_name: mine\n[database\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name    string
		image   string
		options []string
		code    int
		says    []string
	}{
		{"the server's name is missing", "pulp-beat", join(log, secret), 78, []string{`pulp-beat: .*PULP_SERVER_NAME`}},
		{"the password is missing", "pulp-beat", join(log, name), 78, []string{`pulp-beat: .*DB_PASSWORD`}},
		{"/dev/log is not mounted", "pulp-beat", complete, 78, []string{`pulp-beat: .*/dev/log.*(-v|--volume) /dev/log:/dev/log`}},
		{"nobody said where the services are", "pulp-beat", join(log, complete, envs("DB_SERVICE_PORT="+nowhere)), 69,
			[]string{`database \(127\.0\.0\.1:` + nowhere + `\): try 1 of 3: connection refused`, `DB_SERVICE_HOST`}},
		{"the database is at another port", "pulp-worker", join(log, complete, envs("SERVICE_HOST=127.0.0.1", "DB_SERVICE_PORT="+nowhere)), 69,
			[]string{`127\.0\.0\.1:` + nowhere + `.*refused`}},
		{"the database's name does not resolve", "pulp-beat", join(log, complete, envs("DB_SERVICE_HOST=db.invalid")), 69,
			[]string{`db\.invalid.*(does not resolve|no such host)`}},
		{"a web server is where the database should be", "pulp-beat", join(log, complete, envs("DB_SERVICE_PORT="+web.Port())), 69,
			[]string{`127\.0\.0\.1:` + web.Port() + `.*(web server|HTTP)`}},
		{"the credentials are wrong", "pulp-beat", join(log, complete, envs("DB_SERVICE_PORT="+dbPort)), 77,
			[]string{`database.*127\.0\.0\.1:` + dbPort + `.*credentials`}},
		{"the broker is down", "pulp-worker", join(log, name, known, envs("MSG_SERVICE_PORT="+nowhere)), 69, []string{`broker.*127\.0\.0\.1:` + nowhere + `.*refused`}},
		{"a web server is where the broker should be", "pulp-resource-manager", join(log, name, known, envs("MSG_SERVICE_PORT="+web.Port())), 69,
			[]string{`broker.*127\.0\.0\.1:` + web.Port() + `.*web server`}},
		{"the settings file is read-only", "pulp-beat", join(log, complete, []string{"--volume", settings + ":/etc/pulp/server.conf:ro"}), 78,
			[]string{`/etc/pulp/server\.conf.*read-only`}},
		{"everything is read-only", "pulp-beat", join(log, complete, []string{"--read-only"}), 78, []string{`/etc/pulp/server\.conf.*read-only`}},
		{"the settings file is broken", "pulp-beat", join(log, complete, []string{"--volume", unreadable + ":/etc/pulp/server.conf"}), 78,
			[]string{`/etc/pulp/server\.conf:3:`}},
		{"a value does not fit in the file", "pulp-beat", join(log, name, envs("DB_PASSWORD="+password+"\n")), 78, []string{`DB_PASSWORD`}},
		{"the service's user is unknown", "pulp-stranger", complete, 78, []string{`no user "stranger"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := podman{}.detach(t, hastyImage(t, test.image), test.options...)
			if code := c.wait(t); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			output := c.logs(t)
			for _, pattern := range test.says {
				if !regexp.MustCompile(pattern).MatchString(output) {
					t.Errorf("it does not say %q:\n%s", pattern, output)
				}
			}
			if strings.Contains(output, password) {
				t.Errorf("the password is shown:\n%s", output)
			}
		})
	}
}

// marker is a part of the password that every way of writing it leaves as it is.
const marker = "NeverShown"

// What a password may have in it, all in one: what means something to a shell, a URL, Augeas, ConfigParser and YAML.
const awkward = marker + "`~!@#$%^&*()_-+=[]{}\\|;:'\",.<>/?%%s%(x)s ${HOME} $(touch /x) \\n ü;€"

// A password may have any character.
func TestStart_anyPassword(t *testing.T) {
	hastyImage(t, "pulp-beat")
	env.lanes.services.enter(t)
	control(t, "auth-mongodb", "reset")
	control(t, "amqp", "reset")
	image := hastyImage(t, "pulp-worker")
	host, port := split(t, env.lab.AuthMongoDB)
	podman{}.python(t, image, `
import sys, pymongo
host, port, user, password, awkward = sys.argv[1:]
pymongo.MongoClient(host, int(port), username=user, password=password).admin.command("createUser", "awkward", pwd=awkward, roles=[])`,
		host, port, env.lab.AuthUser, env.lab.AuthPassword, awkward)
	_, broker := split(t, env.lab.AMQP)
	options := append(syslog(t), envs("PULP_SERVER_NAME=pulp.example.org", "DB_SERVICE_PORT="+port, "MSG_SERVICE_PORT="+broker, "DB_USER=awkward", "DB_PASSWORD="+awkward)...)

	worker := podman{}.detach(t, image, options...)
	worker.says(t, workerIsReady)
	var got string
	text := worker.exec(t, "python3", "-c", `import json; from pulp.server import config; print(json.dumps(config.load()["database"]["password"]))`)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if got != awkward {
		t.Errorf("the service reads the password %q, want %q", got, awkward)
	}
	worker.exec(t, append(celery, "call", "pulp.server.async.tasks.record", `--args=["x"]`)...)
	worker.says(t, "succeeded in")
	if strings.Contains(worker.logs(t), marker) {
		t.Errorf("the password is shown:\n%s", worker.logs(t))
	}

	traced := podman{}.detach(t, image, append(options, "--env", "PULPIMG_DEBUG=1")...)
	traced.says(t, workerIsReady)
	if strings.Contains(traced.logs(t), marker) {
		t.Errorf("the password is traced:\n%s", traced.logs(t))
	}
}
