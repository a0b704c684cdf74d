package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Each command has a page with its flags.
func TestMan(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1767225600")
	dir := t.TempDir()
	root := newRoot(console{})
	if err := writeMan(root, dir); err != nil {
		t.Fatal(err)
	}
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
		if !cmd.IsAvailableCommand() {
			if err == nil {
				t.Errorf("%s is not for users and has a page", cmd.CommandPath())
			}
			return
		}
		if err != nil {
			t.Error(err)
		}
		if !strings.Contains(string(page), `"Jan 2026" "pulpimg 0.0.0-dev"`) {
			t.Errorf("the page of %s lacks the date or the version:\n%s", cmd.CommandPath(), page)
		}
		if flag := cmd.LocalFlags().Lookup("file"); flag != nil && !strings.Contains(string(page), `\fB--file\fP`) {
			t.Errorf("the page of %s lacks --file:\n%s", cmd.CommandPath(), page)
		}
		for _, below := range cmd.Commands() {
			check(below)
		}
	}
	check(root)
}
