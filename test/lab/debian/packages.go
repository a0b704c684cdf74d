package debian

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Extract downloads the packages with apt-get and unpacks their files, all of
// them into the one folder tree. scratch is an empty folder for the downloads.
// Nothing is installed on the host.
func Extract(ctx context.Context, log func(string), scratch, tree string, packages ...string) error {
	download := Command{Args: slices.Concat([]string{"apt-get", "download"}, packages), Dir: scratch}
	if os.Geteuid() == 0 {
		// apt would warn that its user _apt cannot write into the folder.
		download.Args = slices.Insert(download.Args, 1, "-o", "APT::Sandbox::User=root")
	}
	if err := withFreshLists(ctx, log, download); err != nil {
		return fmt.Errorf("downloading %s: %w", strings.Join(packages, " "), err)
	}
	archives, err := filepath.Glob(filepath.Join(scratch, "*.deb"))
	if err != nil {
		return err
	}
	if len(archives) != len(packages) {
		return fmt.Errorf("downloading %s: apt-get left %d packages in %s", strings.Join(packages, " "), len(archives), scratch)
	}
	for _, archive := range archives {
		unpack := Command{Args: []string{"dpkg-deb", "--extract", archive, tree}}
		if err := unpack.Run(ctx); err != nil {
			return fmt.Errorf("unpacking %s: %w", filepath.Base(archive), err)
		}
	}
	return nil
}
