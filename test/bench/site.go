package main

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/pulpimg/pulpimg/test/inlab"
)

// A site is the servers that a build talks to, by their addresses: those of the lab, or those of a wire in front of them.
type site struct {
	registry string
	repoURL  string
	policy   string // file with the source policy that leads pulpimg there
}

func labSite(l inlab.Lab) site { return site{l.Registry, l.RepoURL, l.Policy} }

// base is the lab's base image.
func (s site) base() string { return s.registry + "/fedora:20" }

// through puts wires in front of the lab's registry and its repository of packages. The policy is written to dir.
func through(w *wire, dir string, l inlab.Lab) (site, error) {
	registry, err := w.serve("http://" + l.Registry)
	if err != nil {
		return site{}, err
	}
	repo, err := w.serve(l.RepoURL)
	if err != nil {
		return site{}, err
	}
	s := site{registry: registry, repoURL: "http://" + repo, policy: filepath.Join(dir, "policy.json")}
	policy, err := os.ReadFile(l.Policy)
	if err != nil {
		return site{}, err
	}
	policy = bytes.ReplaceAll(policy, []byte(l.Registry), []byte(registry))
	policy = bytes.ReplaceAll(policy, []byte(l.RepoURL), []byte(s.repoURL))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return site{}, err
	}
	return s, os.WriteFile(s.policy, policy, 0o644)
}
