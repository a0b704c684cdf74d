package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// version is set by the build (-ldflags -X main.version=...). `go install` does not set it.
var version string

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

// programVersion returns the version of this program, as semver has it: without a "v".
func programVersion() string {
	if version != "" {
		return version
	}
	build, _ := debug.ReadBuildInfo()
	return moduleVersion(build)
}

// moduleVersion returns the version of the module that `go install MODULE@VERSION` compiled.
func moduleVersion(build *debug.BuildInfo) string {
	if build == nil || !strings.HasPrefix(build.Main.Version, "v") {
		return "0.0.0-dev" // of a directory, not of a module
	}
	return build.Main.Version[1:]
}

func readVersion() (versionInfo, error) {
	info := versionInfo{Version: programVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
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

// noEngine says how to get an engine for a program without one.
func noEngine(platform string) string {
	if strings.HasPrefix(platform, "linux/") {
		return "none in this program: " + wholeProgram + ", or give an engine with --engine ADDRESS"
	}
	return "none in this program: give one with --engine ADDRESS"
}

// print prints the version as --version does, and what this program carries below it.
func (v versionInfo) print(con console) error {
	if _, err := fmt.Fprintf(con.out, "pulpimg version %s\n", v.Version); err != nil {
		return err
	}
	table := newTable(con.out)
	if v.BuildKit == "" {
		table.row("engine", noEngine(v.Platform))
	} else {
		table.row("buildkit", v.BuildKit)
		table.row("runc", v.Runc)
	}
	table.row("go", v.Go)
	table.row("platform", v.Platform)
	return table.flush()
}
