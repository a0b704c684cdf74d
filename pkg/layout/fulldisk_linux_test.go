package layout_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pulpimg/pulpimg/test/needs"
)

// fullable returns a directory with a small disk of its own.
func fullable(t *testing.T) string {
	t.Helper()
	needs.Root(t)
	dir := t.TempDir()
	must(t, syscall.Mount("none", dir, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all that is left of a disk.
func fill(t *testing.T, disk string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(disk, "filling"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, os.Getpagesize()))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// On a full disk, the removed layers make the space for the index.
func TestRemoveBuild_fullDisk(t *testing.T) {
	disk := fullable(t)
	dir := filepath.Join(disk, "layout")
	must(t, os.CopyFS(dir, os.DirFS(unused(t, 3))))
	makeOld(t, dir)
	k := look(t, dir)
	fill(t, disk)
	if _, err := k.RemoveBuild(k.Builds[1].Number); err != nil {
		t.Fatal(err)
	}
	if now := look(t, dir); len(now.Builds) != 1 || now.Builds[0].Number != k.Builds[0].Number {
		t.Errorf("left are %v, want the last of %v", now.Builds, k.Builds)
	}
	fill(t, disk)
	if _, err := look(t, dir).RemoveAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k := look(t, dir); !k.LastUsed.IsZero() {
		t.Error("something is left")
	}
}
