package debian

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Tool is a program of the host and the Debian package that has it.
type Tool struct{ Program, Package string }

// Require installs the packages of those tools that the host lacks. log is
// told before it does. It needs root for that, and says so if it is not.
func Require(ctx context.Context, log func(string), tools ...Tool) error {
	missing := missingPackages(tools)
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing, " ")
	if os.Geteuid() != 0 {
		return fmt.Errorf("the lab needs the Debian packages %s: install them as root: apt-get install %s", names, names)
	}
	log("installing " + names)
	install := Command{
		Args: slices.Concat([]string{"apt-get", "install", "-y", "--no-install-recommends"}, missing),
		Env:  []string{"DEBIAN_FRONTEND=noninteractive"},
	}
	if err := withFreshLists(ctx, log, install); err != nil {
		return fmt.Errorf("installing %s: %w", names, err)
	}
	return nil
}

func missingPackages(tools []Tool) []string {
	var missing []string
	for _, tool := range tools {
		if _, err := exec.LookPath(tool.Program); err != nil {
			missing = append(missing, tool.Package)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// withFreshLists runs an apt-get command; if that fails it updates apt's
// package lists, which a new machine does not have, and runs it once more.
func withFreshLists(ctx context.Context, log func(string), apt Command) error {
	err := apt.Run(ctx)
	if err == nil || ctx.Err() != nil || os.Geteuid() != 0 {
		return err
	}
	log("updating apt's package lists")
	if err := (Command{Args: []string{"apt-get", "update"}}).Run(ctx); err != nil {
		return err
	}
	return apt.Run(ctx)
}
