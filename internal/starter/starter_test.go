package starter_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/assets"
	"github.com/pulpimg/pulpimg/internal/starter"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// resolve resolves a spec that was written.
func resolve(t *testing.T, file string) *family.Family {
	t.Helper()
	read, err := spec.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := family.Resolve(read, family.Options{Dir: filepath.Dir(file), Assets: assets.FS()})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWrite_familyName(t *testing.T) {
	for _, test := range []struct{ dir, want string }{
		{"shop", "shop"},
		{"Shop", "shop"},
		{"web-shop_2", "web-shop_2"},
		{"my shop", "hello"},
		{"scratch", "hello"},
		{"x-shop", "x-shop"},
		{"2026", "hello"},
		{"1e3", "hello"},
		{"true", "hello"},
		{"null", "hello"},
		{"2026-01-01", "hello"},
		{"ünicode", "hello"},
		{"a.", "hello"},
	} {
		t.Run(test.dir, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), test.dir, "pulpimg.yaml")
			if err := starter.Write(file, false); err != nil {
				t.Fatal(err)
			}
			f := resolve(t, file)
			if f.Name != test.want || len(f.Images) != 2 || f.Images[1].Parent != f.Images[0] || f.Images[1].Name != test.want {
				t.Errorf("the family is %s with the images %v, want %s", f.Name, f.Images, test.want)
			}
		})
	}
}

// What is commented out shall work when somebody takes the # away.
func TestSpec_comments(t *testing.T) {
	data, err := starter.Spec("shop")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.SplitSeq(string(data), "\n") {
		trimmed := strings.TrimLeft(line, " ")
		for _, key := range []string{"# PASSWORD:", "# services:", "#   database:", "# - apt:", "# - files:", "# wait:", "# user:"} {
			if strings.HasPrefix(trimmed, key) {
				line = strings.Replace(line, "# ", "", 1)
			}
		}
		lines = append(lines, line)
	}
	text := strings.Replace(strings.Join(lines, "\n"), "environment:\n", "environment:\n  DB_HOST: { default: db }\n", 1)
	if strings.Count(text, "#") != strings.Count(string(data), "#")-7 {
		t.Fatalf("not everything was found:\n%s", text)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "pulpimg.yaml")
	if err := errors.Join(os.WriteFile(file, []byte(text), 0o644), os.WriteFile(filepath.Join(dir, "app"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if f := resolve(t, file); len(f.Contract.Services) != 1 || len(f.Images[0].Steps) != 4 {
		t.Errorf("there are %d services and %d steps, want 1 and 4", len(f.Contract.Services), len(f.Images[0].Steps))
	}
}

func TestWrite_exists(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pulpimg.yaml")
	if err := os.WriteFile(file, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := starter.Write(file, false); !errors.Is(err, starter.ErrExists) {
		t.Errorf("got %v, want %v", err, starter.ErrExists)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "mine" {
		t.Errorf("the file has %q, %v", data, err)
	}
	if err := starter.Write(file, true); err != nil {
		t.Fatal(err)
	}
	resolve(t, file)
}
