package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// secretFiles are the flags --secret of commands whose containers get the secrets of the spec. Those of a build are for its steps.
type secretFiles struct{ given []string }

func (s *secretFiles) flag(flags *pflag.FlagSet, usage string) {
	flags.StringArrayVar(&s.given, "secret", nil, usage+": id=ID,src=FILE (may be repeated)")
}

// sources returns where each secret comes from.
func (s *secretFiles) sources(f *family.Family) ([]secretsprovider.Source, error) {
	var out []secretsprovider.Source
	for _, flag := range s.given {
		source, err := parseSecret(flag)
		if err != nil {
			return nil, err
		}
		if err := checkSecretID(f, source.ID); err != nil {
			return nil, usageError{fmt.Errorf("--secret id=%s: %w", source.ID, err)}
		}
		out = append(out, source)
	}
	return out, nil
}

// files returns the files of secrets by their ids, with the paths that were given.
func (s *secretFiles) files(f *family.Family) (map[string]string, error) {
	sources, err := s.sources(f)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, source := range sources {
		if source.FilePath == "" {
			return nil, usageError{fmt.Errorf("--secret id=%s: what is mounted is a file: write id=%s,src=FILE", source.ID, source.ID)}
		}
		// One that is missing may be on the machine that the containers run on.
		if info, err := os.Stat(source.FilePath); err == nil && !info.Mode().IsRegular() {
			return nil, usageError{fmt.Errorf("--secret id=%s: %s is not a regular file, and cannot be mounted as one", source.ID, source.FilePath)}
		}
		out[source.ID] = source.FilePath
	}
	return out, nil
}

// absolute returns the same with absolute paths.
func (s *secretFiles) absolute(f *family.Family) (map[string]string, error) {
	files, err := s.files(f)
	if err != nil {
		return nil, err
	}
	for id, file := range files {
		if files[id], err = filepath.Abs(file); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// contents reads the secrets.
func (s *secretFiles) contents(f *family.Family) (map[string][]byte, error) {
	sources, err := s.sources(f)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, source := range sources {
		content, err := readSecret(source)
		if err == nil && len(content) == 0 {
			err = errors.New("it is empty")
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("--secret id=%s: %w", source.ID, err)}
		}
		out[source.ID] = content
	}
	return out, nil
}

// checkSecretID returns an error about a secret that no image of the spec has. Which images are chosen makes no difference.
func checkSecretID(f *family.Family, id string) error {
	var declared []string
	for _, image := range f.Spec.Images {
		for _, s := range image.Value.Secrets {
			declared = append(declared, s.Name.Value)
			if s.Name.Value == id {
				return nil
			}
		}
	}
	hint := spec.DidYouMean(id, declared)
	if hint != "" {
		hint = " (" + hint + ")"
	}
	return fmt.Errorf("no image of %s has this secret%s", f.Spec.Filename, hint)
}
