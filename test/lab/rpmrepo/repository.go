package rpmrepo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pulpimg/pulpimg/test/lab/debian"
)

// Key names what the repository is made of, but for the versions of the Debian
// packages: the same contents have the same key.
func Key(built time.Time) (string, error) {
	packages, err := Catalog()
	if err != nil {
		return "", err
	}
	comps, err := fs.ReadFile(assets, "assets/comps.xml")
	if err != nil {
		return "", err
	}
	modules, err := fs.ReadFile(assets, "assets/modules.yaml")
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(struct {
		Packages []Package
		Comps    []byte
		Modules  []byte
		Augeas   []string
		Built    int64
	}{packages, comps, modules, AugeasSources(), built.Unix()})
	if err != nil {
		return "", fmt.Errorf("naming the repository's contents: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:16], nil
}

// Write makes a repository of the packages, with the groups of comps.xml and the
// modules of modules.yaml, in the empty folder dir. All times in it are built. The tool createrepo_c must
// be there.
func Write(ctx context.Context, dir string, built time.Time, packages ...Package) error {
	for _, p := range packages {
		if err := writePackage(filepath.Join(dir, p.FileName()), p, built); err != nil {
			return err
		}
	}
	groups, err := writeGroups(dir, len(packages) > 0)
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(built.Unix(), 10)
	index := debian.Command{Args: append([]string{
		"createrepo_c", "--quiet", "--no-database", "--revision=" + stamp, "--set-timestamp-to-revision",
	}, append(groups, dir)...)}
	if err := index.Run(ctx); err != nil {
		return fmt.Errorf("indexing the repository: %w", err)
	}
	return setTimes(dir, built)
}

func writePackage(name string, p Package, built time.Time) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := p.write(f, built); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// createrepo_c records it.
	return os.Chtimes(name, built, built)
}

// writeGroups puts comps.xml and modules.yaml beside the packages and returns
// createrepo_c's arguments for the first; the second it finds by itself. An
// empty repository has no groups and no modules.
func writeGroups(dir string, wanted bool) ([]string, error) {
	if !wanted {
		return nil, nil
	}
	comps, err := fs.ReadFile(assets, "assets/comps.xml")
	if err != nil {
		return nil, err
	}
	// createrepo_c wants it absolute.
	name, err := filepath.Abs(filepath.Join(dir, "comps.xml"))
	if err != nil {
		return nil, err
	}
	modules, err := fs.ReadFile(assets, "assets/modules.yaml")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "modules.yaml"), modules, 0o644); err != nil {
		return nil, err
	}
	return []string{"--groupfile=" + name}, os.WriteFile(name, comps, 0o644)
}

// setTimes gives every file below dir the time: a web server sends it along.
func setTimes(dir string, when time.Time) error {
	return filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(name, when, when)
	})
}
