package dockerfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/pulpimg/pulpimg/internal/gendir"
)

// Generate does not hold the content of files in memory.
func TestGenerate_memory(t *testing.T) {
	const size = 64 << 20
	dir := t.TempDir()
	spec := head + "    from: scratch\n    steps:\n      - files: {from: large, to: /large}\n"
	file := filepath.Join(dir, "spec.yaml")
	if err := os.WriteFile(file, []byte(spec), 0o644); err != nil {
		t.Fatal(err)
	}
	large, err := os.Create(filepath.Join(dir, "large"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(large.Truncate(size), large.Close()); err != nil { // it takes no place on the disk
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	for _, do := range []func() error{
		func() error {
			files, err := generate(t, file, "spec.yaml")
			_, writeErr := gendir.Folder{Dir: out}.Write(t.Context(), files)
			return errors.Join(err, writeErr)
		},
		func() error {
			files, err := generate(t, file, "spec.yaml")
			if err != nil {
				return err
			}
			difference, err := gendir.Folder{Dir: out}.Check(t.Context(), files)
			if difference != "" {
				t.Error(difference)
			}
			return err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := do(); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > size/4 {
			t.Errorf("it took %d MB of memory for a file of %d MB", took>>20, size>>20)
		}
	}
}
