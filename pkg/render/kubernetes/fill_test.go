//go:build unix

package kubernetes_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
)

// A claim is a directory that stands in for the storage, and one for the image that fills it.
type claim struct{ storage, image string }

func newClaim(t *testing.T) claim {
	t.Helper()
	dir := t.TempDir()
	c := claim{filepath.Join(dir, "storage"), filepath.Join(dir, "image")}
	for _, d := range []string{c.storage, filepath.Join(c.image, "var/lib/pulp/celery")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.write(t, filepath.Join(c.image, "var/lib/pulp/celery/file"), "of the image")
	if err := os.Chmod(filepath.Join(c.image, "var/lib/pulp"), 0o750|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c claim) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func (c claim) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(c.storage, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// command returns what the first container of a worker does, in these directories.
func (c claim) command(t *testing.T, pod string) *exec.Cmd {
	t.Helper()
	f := familytest.Load(t, "../../../specs/pulp.yaml")
	objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"PULP_SERVER_NAME": server}})
	if err != nil {
		t.Fatal(err)
	}
	set, ok := objects[len(objects)-1].(*appsv1.StatefulSet)
	if !ok {
		t.Fatalf("got %T", objects[len(objects)-1])
	}
	first := set.Spec.Template.Spec.InitContainers[0]
	line := make([]string, len(first.Command))
	for i, word := range first.Command {
		line[i] = strings.NewReplacer("/storage", c.storage, "fill /var", "fill "+c.image+"/var").Replace(word)
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "POD="+pod)
	return cmd
}

func (c claim) fill(t *testing.T, pod string) {
	t.Helper()
	if out, err := c.command(t, pod).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s: %v: %s", pod, err, out)
	}
}

func TestFill_emptyStorage(t *testing.T) {
	c := newClaim(t)
	c.fill(t, "worker-0")
	if got := c.read(t, "var-lib-pulp/celery/file"); got != "of the image" {
		t.Errorf("got %q", got)
	}
	info, err := os.Stat(filepath.Join(c.storage, "var-lib-pulp"))
	if err != nil || info.Mode().Perm() != 0o750 || info.Mode()&os.ModeSetgid == 0 {
		t.Errorf("the directory's mode is %v (%v)", info.Mode(), err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Getuid() {
		t.Errorf("the directory's owner is %v", info.Sys())
	}
	// What the image does not have is there and empty.
	if entries, err := os.ReadDir(filepath.Join(c.storage, "var-www")); err != nil || len(entries) > 0 {
		t.Errorf("got %v, %v", entries, err)
	}
}

// A volume that is a link in the image is a directory in the storage: a link would lead out of it.
func TestFill_link(t *testing.T) {
	c := newClaim(t)
	volume := filepath.Join(c.image, "var/lib/pulp")
	if err := errors.Join(os.Rename(volume, filepath.Join(c.image, "srv")), os.Symlink(filepath.Join(c.image, "srv"), volume)); err != nil {
		t.Fatal(err)
	}
	c.fill(t, "pod-0")
	info, err := os.Lstat(filepath.Join(c.storage, "var-lib-pulp"))
	if err != nil || info.Mode() != fs.ModeDir|fs.ModeSetgid|0o750 {
		t.Errorf("the volume in the storage is %v (%v)", info.Mode(), err)
	}
	if got := c.read(t, "var-lib-pulp/celery/file"); got != "of the image" {
		t.Errorf("got %q", got)
	}
}

func TestFill_keepsContent(t *testing.T) {
	c := newClaim(t)
	c.fill(t, "worker-0")
	c.write(t, filepath.Join(c.storage, "var-lib-pulp/celery/file"), "of the users")
	c.write(t, filepath.Join(c.image, "var/lib/pulp/new"), "of a newer image")
	c.fill(t, "worker-0")
	if got := c.read(t, "var-lib-pulp/celery/file"); got != "of the users" {
		t.Errorf("got %q", got)
	}
	if _, err := os.Stat(filepath.Join(c.storage, "var-lib-pulp/new")); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

// An interrupted copy is never mistaken for a complete one.
func TestFill_partialCopy(t *testing.T) {
	c := newClaim(t)
	half := filepath.Join(c.storage, ".new.worker-0/celery")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	c.write(t, filepath.Join(half, "half"), "of a pod that was killed")
	c.fill(t, "worker-0")
	if _, err := os.Stat(filepath.Join(c.storage, "var-lib-pulp/celery/half")); !os.IsNotExist(err) {
		t.Errorf("half a copy was taken: %v", err)
	}
	c.isTidy(t)
}

func TestFill_severalPods(t *testing.T) {
	c := newClaim(t)
	var pods sync.WaitGroup
	for i := range 8 {
		cmd := c.command(t, fmt.Sprintf("worker-%d", i))
		pods.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("worker-%d: %v: %s", i, err, out)
			}
		})
	}
	pods.Wait()
	if got := c.read(t, "var-lib-pulp/celery/file"); got != "of the image" {
		t.Errorf("got %q", got)
	}
	c.isTidy(t)
}

func (c claim) isTidy(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(c.storage)
	if err != nil || len(entries) != 2 {
		t.Errorf("the storage has %v (%v)", entries, err)
	}
}
