package e2e

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An ordinary user builds and publishes the family, with the same files as root.
func TestRootless_pulp(t *testing.T) {
	pulp(t)
	env.lanes.own.enter(t)
	jo := newAccount(t)
	jo.copy(t, pulpSpec(), "pulp.yaml", 0o644)
	jo.build(t, "-f", "pulp.yaml", "--push", "--registry", registry(t)).ok(t)
	nothingRuns(t, jo.home)
	for _, name := range []string{"pulp-base", "pulp-beat"} {
		want := owners(t, podman{}.mount(t, pulpRegistry()+"/"+name+pulpTag))
		got := owners(t, podman{}.mount(t, registry(t)+"/"+name+pulpTag))
		if len(want) < 1000 {
			t.Errorf("%s has only %d files", name, len(want))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("files of %s (-by root +by %s):\n%s", name, jo.name, diff)
		}
	}

	t.Run("status", func(t *testing.T) {
		out := jo.pulpimg(t, "engine", "status").ok(t)
		if !strings.Contains(out.stdout, "\nmode       rootless: ") {
			t.Errorf("the status lacks the mode:\n%s", out.stdout)
		}
	})
	t.Run("prune with a limit", func(t *testing.T) {
		before := statusOf(t, jo.pulpimg(t, "engine", "status", "--format", "json"))
		jo.pulpimg(t, "engine", "prune", "--keep-storage", fmt.Sprint(before.Total-1_000_000, "B")).ok(t)
		after := statusOf(t, jo.pulpimg(t, "engine", "status", "--format", "json"))
		if got, want := before.Total-after.Total, int64(1_000_000); got < want || after.Engine >= before.Engine || len(after.Images) != 1 {
			t.Errorf("it freed %d bytes, of the engine %d, and left %s", got, before.Engine-after.Engine, after)
		}
		nothingRuns(t, jo.home)
		jo.build(t, "-f", "pulp.yaml", "--no-cache").ok(t) // the engine has to make something for the next test
	})
	t.Run("prune", func(t *testing.T) {
		engine := filepath.Join(jo.cache(), "engine")
		if len(ofOthers(t, engine, jo)) == 0 {
			t.Error("nothing in the cache belongs to another user, so this shows nothing")
		}
		jo.pulpimg(t, "engine", "prune").ok(t)
		if _, err := os.Stat(filepath.Join(engine, "state")); err == nil {
			t.Error("the engine's state is still there")
		}
		if left := ofOthers(t, engine, jo); len(left) > 0 {
			t.Errorf("files of other users are left: %q", left)
		}
	})
}

// owners returns the owner, the mode and the kind of each file by its path.
func owners(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		found[strings.TrimPrefix(name, dir)] = fmt.Sprintf("%s %d:%d", info.Mode(), stat.Uid, stat.Gid)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// ofOthers returns the files in a directory of a user's that belong to others.
func ofOthers(t *testing.T, dir string, a account) []string {
	t.Helper()
	var found []string
	for name, owner := range owners(t, dir) {
		if !strings.HasSuffix(owner, fmt.Sprintf(" %d:%d", a.id.Uid, a.id.Gid)) {
			found = append(found, name)
		}
	}
	return found
}

// The layers of files do not depend on who makes them.
func TestRootless_sameDigests(t *testing.T) {
	env.lanes.own.enter(t)
	jo := newAccount(t)
	spec := specFile(t, filesSpec, filesOfSpec)
	jo.copy(t, spec, "pulpimg.yaml", 0o644)
	jo.copy(t, filepath.Join(filepath.Dir(spec), "hello"), "hello", 0o755)
	args := []string{"--set", "base=" + env.lab.Registry + "/files:1", "--registry", registry(t), "--format", "json"}
	want := cold(t).build(t, append([]string{"-f", spec}, args...)...).result(t)
	got := jo.build(t, args...).result(t)
	if diff := cmp.Diff(want.Images, got.Images); diff != "" {
		t.Errorf("(-by root +by %s):\n%s", jo.name, diff)
	}
}

// A user's engine ends with pulpimg, however that ends, and what it leaves is no hindrance.
func TestRootless_ends(t *testing.T) {
	env.lanes.own.enter(t)
	jo := newAccount(t)
	for _, c := range []struct {
		signal  syscall.Signal
		seconds string
		code    int
	}{
		{syscall.SIGINT, "86411.25", 130},
		{syscall.SIGKILL, "86412.25", -1},
	} {
		jo.copy(t, sleepSpec(t, c.seconds), "sleep.yaml", 0o644)
		running := jo.start(t, filepath.Join(jo.home, "pulpimg"), "build", "-f", "sleep.yaml", "--source-policy", "policy.json", "--progress", "plain")
		eventually(t, "the long step runs", func() bool { return len(processes("sleep "+c.seconds)) > 0 })
		if err := running.cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		if out := running.wait(t); out.code != c.code {
			t.Errorf("%s: exit code %d, want %d\n%s", c.signal, out.code, c.code, out.stderr)
		}
		eventually(t, "all processes are gone", func() bool { return len(processes(jo.home)) == 0 && len(processes("sleep "+c.seconds)) == 0 })
		nothingRuns(t, jo.home)
	}
	jo.copy(t, specFile(t, stampSpec, nil), "stamp.yaml", 0o644)
	jo.build(t, "-f", "stamp.yaml").ok(t)
}

// Where the cache is makes no difference: behind a symbolic link, at a path that is too long for a socket, or at one with a colon. Build steps
// never see the engine's socket for traces.
func TestRootless_places(t *testing.T) {
	env.lanes.own.enter(t)
	jo := newAccount(t)
	jo.copy(t, specFile(t, strings.ReplaceAll(stampSpec, "cp /stamp /copy", "test ! -e /dev/otel-grpc.sock"), nil), "stamp.yaml", 0o644)
	for _, c := range []struct{ name, cache, link string }{
		{name: "behind a link", cache: "link", link: "elsewhere"},
		{name: "long", cache: strings.Repeat("long/", 20)},
		{name: "with a colon", cache: "a:b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache := filepath.Join(jo.home, c.cache)
			if c.link != "" {
				jo.start(t, "mkdir", c.link).wait(t).ok(t)
				jo.start(t, "ln", "-s", filepath.Join(jo.home, c.link), cache).wait(t).ok(t)
			}
			jo.start(t, "env", "XDG_CACHE_HOME="+cache, filepath.Join(jo.home, "pulpimg"), "build", "-f", "stamp.yaml", "--source-policy", "policy.json").wait(t).ok(t)
			nothingRuns(t, jo.home)
			left, err := filepath.Glob("/tmp/pulpimg-engine-*")
			if err != nil || len(left) > 0 {
				t.Errorf("left are %q (%v)", left, err)
			}
		})
	}
}

// Nobody waits for another user, and nobody gets at another user's cache or engine.
func TestRootless_usersAreSeparate(t *testing.T) {
	env.lanes.own.enter(t)
	jo, ann := newAccount(t), newAccount(t)
	jo.copy(t, sleepSpec(t, "86413.25"), "sleep.yaml", 0o644)
	running := jo.start(t, filepath.Join(jo.home, "pulpimg"), "build", "-f", "sleep.yaml", "--source-policy", "policy.json", "--progress", "plain")
	eventually(t, "the long step runs", func() bool { return len(processes("sleep 86413.25")) > 0 })
	ann.copy(t, specFile(t, stampSpec, nil), "stamp.yaml", 0o644)
	for who, out := range map[string]outcome{
		ann.name: ann.build(t, "-f", "stamp.yaml").ok(t), "root": cold(t).build(t, "-f", specFile(t, stampSpec, nil)).ok(t),
	} {
		if strings.Contains(out.stderr, "waiting") {
			t.Errorf("%s waits for %s:\n%s", who, jo.name, out.stderr)
		}
	}
	if err := os.Chmod(jo.home, 0o755); err != nil { // as some distributions have it
		t.Fatal(err)
	}
	engine := filepath.Join(jo.cache(), "engine")
	for _, command := range [][]string{
		{"ls", engine},
		{"cat", filepath.Join(engine, "buildkitd.log")},
		{"touch", filepath.Join(engine, "lock")},
		{"touch", filepath.Join(jo.cache(), "layers", "x")},
		{"touch", filepath.Join(jo.cache(), "images", "x")},
	} {
		if out := ann.start(t, command[0], command[1:]...).wait(t); out.code == 0 || !strings.Contains(out.stderr, "Permission denied") {
			t.Errorf("%s may %v: exit code %d\n%s%s", ann.name, command, out.code, out.stdout, out.stderr)
		}
	}
	socket := filepath.Join(engine, "buildkitd.sock")
	if c, err := net.Dial("unix", socket); err != nil { // as root
		t.Errorf("the engine does not listen at %s, so this shows nothing: %v", socket, err)
	} else {
		c.Close()
	}
	ann.pulpimg(t, "build", "--engine", "unix://"+socket, "-f", "stamp.yaml").fails(t, 69)
	if err := running.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	running.wait(t)
}

// What an ordinary user lacks is named, with what to do about it.
func TestRootless_refusals(t *testing.T) {
	env.lanes.own.enter(t)
	jo := newAccount(t)
	jo.copy(t, specFile(t, stampSpec, nil), "stamp.yaml", 0o644)

	t.Run("no newuidmap", func(t *testing.T) {
		out := jo.start(t, "env", "PATH=/nowhere", filepath.Join(jo.home, "pulpimg"), "build", "--source-policy", "policy.json", "-f", "stamp.yaml").wait(t)
		out.fails(t, 1, `^pulpimg: the embedded engine needs newuidmap to run without root`, `\n  hint: install it \(apt-get install uidmap`)
	})
	// As container runtimes do it: in a namespace of mounts where a part of /proc is hidden.
	t.Run("a masked /proc", func(t *testing.T) {
		masked := fmt.Sprintf("mount -t tmpfs none /proc/fs && exec setpriv --reuid %d --regid %d --clear-groups env HOME=%s ./pulpimg build --source-policy policy.json -f stamp.yaml",
			jo.id.Uid, jo.id.Gid, jo.home)
		cmd := exec.Command("unshare", "--mount", "sh", "-c", masked)
		cmd.Dir = jo.home
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		outcome{cmd.Args, stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}.fails(t, 1,
			`^pulpimg: the embedded engine did not start: engine-init: mounting /proc for the engine`, `\n  hint: start the container with --security-opt systempaths=unconfined`)
		nothingRuns(t, jo.home)
	})
	t.Run("no IDs", func(t *testing.T) {
		// There is something of other users of the namespace in the cache.
		jo.copy(t, specFile(t, strings.ReplaceAll(stampSpec, "cp /stamp /copy", "install -d -m 700 -o nobody /var/nobody"), nil), "nobody.yaml", 0o644)
		jo.build(t, "-f", "nobody.yaml").ok(t)
		jo.withoutIDs(t)
		jo.build(t, "-f", "stamp.yaml").fails(t, 1, `^pulpimg: /etc/subuid gives no IDs to the user `+jo.name,
			`\n  hint: have root add the line `+jo.name+`:\d+:65536 to /etc/subuid`)
		out := jo.pulpimg(t, "engine", "status").ok(t)
		if !strings.Contains(out.stdout, "it cannot run: /etc/subuid gives no IDs") {
			t.Errorf("the status does not say why the engine cannot run:\n%s", out.stdout)
		}
		jo.pulpimg(t, "engine", "prune").fails(t, 1, "permission denied", "gives no IDs to the user "+jo.name)
	})
}

// In a container of podman's, the embedded engine works with --privileged, and says so without.
func TestEngine_inAContainer(t *testing.T) {
	env.lanes.own.enter(t)
	dir := t.TempDir()
	spec := specFile(t, stampSpec, nil)
	image := env.lab.Registry + "/fedora:20"
	podman{}.pull(t, image)
	program, err := filepath.EvalSymlinks(filepath.Join(env.bin, "pulpimg"))
	if err != nil {
		t.Fatal(err)
	}
	run := func(options []string, arguments ...string) outcome {
		name := fmt.Sprintf("pulpimg-e2e-%d-%d", os.Getpid(), containers.Add(1))
		args := append([]string{"run", "--rm", "--name", name, "--network", "host", "--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024",
			"--volume", program + ":/opt/pulpimg", "--volume", filepath.Dir(spec) + ":/spec", "--volume", env.lab.Policy + ":/policy.json",
			"--volume", dir + ":/cache", "--env", "XDG_CACHE_HOME=/cache"}, options...)
		args = append(args, image, "/opt/pulpimg", "build", "-f", "/spec/pulpimg.yaml", "--source-policy", "/policy.json")
		cmd := podman{}.command(append(args, arguments...)...)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		eventually(t, "podman has removed the container", func() bool { return len(processes(name)) == 0 })
		return outcome{cmd.Args, stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	}
	run([]string{"--privileged"}).ok(t)
	if out := run(nil).ok(t); !strings.Contains(out.stdout, "nothing changed since build 1") {
		t.Errorf("a build that was made already needs an engine:\n%s", out.stdout)
	}
	run(nil, "--no-cache").fails(t, 1, `(?m)^pulpimg: starting the embedded engine: .*operation not permitted`, `\n  hint: give root these rights \(in a container: --privileged\)`)
}
