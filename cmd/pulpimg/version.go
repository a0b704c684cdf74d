package main

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// A versionInfo is what `pulpimg version` prints. Keys are added, never changed.
type versionInfo struct {
	Version string `json:"version"`
	// The versions of the embedded engine's programs. They are empty if there is none in this binary.
	BuildKit string `json:"buildkit,omitempty"`
	Runc     string `json:"runc,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion(con console) *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program and of what it carries",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			info, err := readVersion()
			if err != nil {
				return err
			}
			if output.name == formatJSON {
				return printJSON(con.out, info)
			}
			return info.print(con)
		},
	}
	output.flag(cmd.Flags())
	return cmd
}

func readVersion() (versionInfo, error) {
	info := versionInfo{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	programs, err := bundle.Load()
	switch {
	case errors.Is(err, bundle.ErrEmpty):
		return info, nil
	case err != nil:
		return info, err
	}
	info.BuildKit, info.Runc = programs.Version("buildkitd"), programs.Version("runc")
	return info, nil
}

// print prints the version as --version does, and what this program carries below it.
func (v versionInfo) print(con console) error {
	if _, err := fmt.Fprintf(con.out, "pulpimg version %s\n", v.Version); err != nil {
		return err
	}
	table := newTable(con.out)
	if v.BuildKit == "" {
		table.row("engine", "none in this program: give one with --engine ADDRESS")
	} else {
		table.row("buildkit", v.BuildKit)
		table.row("runc", v.Runc)
	}
	table.row("go", v.Go)
	table.row("platform", v.Platform)
	return table.flush()
}
