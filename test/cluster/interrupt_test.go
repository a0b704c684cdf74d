package cluster

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waitsVar is set in the tests that another test starts in order to interrupt them.
const waitsVar = "PULPIMG_CLUSTER_WAITS"

const podIsReady = "a pod is ready"

// Not a test of its own: what the next one interrupts.
func TestInterrupt_waits(t *testing.T) {
	if os.Getenv(waitsVar) == "" {
		t.Skip("for another test")
	}
	n := newNamespace(t, "waits")
	n.kubectl(t, "run", "waits", "--image="+pushPause(t))
	n.kubectl(t, "wait", "--for=condition=Ready", "pod/waits", "--timeout=60s")
	fmt.Println(podIsReady)
	pause(5 * time.Minute)
}

// Nothing is left when the tests are interrupted, nor when they are killed and can do nothing about it themselves.
func TestInterrupt_leavesNothing(t *testing.T) {
	for _, c := range []struct {
		name      string
		interrupt func(pid int) error
		files     string // which ones must not be there
	}{
		{"SIGINT", func(pid int) error { return syscall.Kill(-pid, syscall.SIGINT) }, "*"},
		{"SIGKILL", func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }, "pulpimg-cluster-[0-9]*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := kernel(t)
			dir, tests := waitingTests(t)
			started := descendants(t, tests.Process.Pid)
			cgroups, err := filepath.Glob("/sys/fs/cgroup/*/" + filepath.Base(glob(t, dir+"/pulpimg-cluster-[0-9]*")[0]))
			if err != nil || len(cgroups) == 0 || len(started) < 10 {
				t.Fatalf("before the end there are %d processes and the cgroups %q, %v", len(started), cgroups, err)
			}
			if err := c.interrupt(tests.Process.Pid); err != nil {
				t.Fatal(err)
			}
			_ = tests.Wait() // it has failed
			took := eventually(t, "all processes have ended", 30*time.Second, func() bool { return len(alive(started)) == 0 })
			for _, cgroup := range cgroups {
				if _, err := os.Stat(cgroup); err == nil {
					t.Errorf("the cgroup %s is left", cgroup)
				}
			}
			if left := glob(t, filepath.Join(dir, c.files)); len(left) > 0 {
				t.Errorf("files are left: %q", left)
			}
			mounts, err := os.ReadFile("/proc/self/mountinfo")
			if err != nil || bytes.Contains(mounts, []byte(dir)) {
				t.Errorf("mounts are left: %v\n%s", err, mounts)
			}
			if after := kernel(t); !maps.Equal(settings, after) {
				t.Errorf("the settings of the kernel were %q and are %q", settings, after)
			}
			env.rows = append(env.rows, row{"a pod, then " + c.name, "", fmt.Sprintf("all %d processes had ended %s after the tests; no mount or cgroup was left", len(started), took)})
		})
	}
}

// waitingTests starts tests with a cluster of their own, and waits until a pod runs in it. The directory has their temporary files.
func waitingTests(t *testing.T) (dir string, tests *exec.Cmd) {
	t.Helper()
	dir, err := os.MkdirTemp("", "wait") // the paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	tests = exec.Command("/proc/self/exe", "-test.run=TestInterrupt_waits", "-test.v")
	tests.Env = append(os.Environ(), "TMPDIR="+dir, waitsVar+"=1")
	tests.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := tests.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tests.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-tests.Process.Pid, syscall.SIGKILL) // it has ended if the test has got that far
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	var said strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if lines.Text() == podIsReady {
			return dir, tests
		}
		said.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("the tests did not get as far as a pod:\n%s", &said)
	return "", nil
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// descendants returns a process and those that it, and they, have started: when each began, by its number.
func descendants(t *testing.T, pid int) map[int]string {
	t.Helper()
	parents, begins := map[int]int{}, map[int]string{}
	for _, dir := range glob(t, "/proc/[0-9]*") {
		number, _ := strconv.Atoi(filepath.Base(dir))
		if parent, begin, ok := stat(number); ok {
			parents[number], begins[number] = parent, begin
		}
	}
	found := map[int]string{}
	for number := range parents {
		for at := number; at != 0; at = parents[at] {
			if at == pid {
				found[number] = begins[number]
			}
		}
	}
	return found
}

// alive returns those of the processes that have not ended.
func alive(processes map[int]string) []int {
	var out []int
	for number, begin := range processes {
		if _, now, ok := stat(number); ok && now == begin {
			out = append(out, number)
		}
	}
	return out
}

// stat returns the parent of a process and when it began; see proc_pid_stat(5).
func stat(number int) (parent int, begin string, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", number))
	if err != nil {
		return 0, "", false
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	parent, err = strconv.Atoi(fields[1])
	return parent, fields[19], err == nil
}

// kernel returns the settings that the kubelet changes.
func kernel(t *testing.T) map[string]string {
	t.Helper()
	settings := map[string]string{}
	for _, name := range kernelSettings {
		value, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			t.Fatal(err)
		}
		settings[name] = string(value)
	}
	return settings
}
