package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCacheHint_isForTheCacheAlone(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	layers := filepath.Join(home, "pulpimg", "layers")
	for _, test := range []struct {
		name, path string
		err        error
		wrap       string
		want       string // in the hint; nothing: there is none
	}{
		{"a full disk", layers, syscall.ENOSPC, "%w", "pulpimg engine prune"},
		{"a quota", layers, syscall.EDQUOT, "%w", "pulpimg engine prune"},
		{"a read-only disk", layers, syscall.EROFS, "%w", "set XDG_CACHE_HOME"},
		{"no permission", layers, syscall.EACCES, "%w", "set XDG_CACHE_HOME"},
		{"it is said", layers, syscall.EROFS, "%w; set XDG_CACHE_HOME", ""},
		{"a read-only disk elsewhere", "/elsewhere", syscall.EROFS, "%w", ""},
		{"something else", layers, syscall.EIO, "%w", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := cacheHint(fmt.Errorf(test.wrap, &fs.PathError{Op: "mkdir", Path: test.path, Err: test.err}))
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("the hint is %q, want one with %q", got, test.want)
			}
		})
	}
}
