package treeindex

import (
	"errors"
	"fmt"
	"path"
)

// A readlink returns the target of the symbolic link at a clean absolute path. It reports false if there is no such link.
type readlink func(p string) (target string, ok bool, err error)

// realPath returns where a path leads after all symbolic links. It never leads out of the tree: the root is above itself. What does not
// exist is no link. It is containerd's RootPath, with which ".." means the directory above only where the path has no links any more:
// https://github.com/containerd/continuity/blob/v0.5.0/fs/path.go
func realPath(p string, read readlink) (string, error) {
	r := resolver{read: read}
	for {
		if len(p) > 2*maxPath {
			return "", errors.New("the path is too long")
		}
		before := r.links
		next, err := r.walk(p)
		if err != nil {
			return "", err
		}
		if before == r.links {
			if clean := path.Join("/", next); clean == next {
				return clean, nil
			}
		}
		p = next
	}
}

// A resolver counts the links of a path, which may be a cycle.
type resolver struct {
	read  readlink
	links int
}

// link replaces a path that is a symbolic link by its target.
func (r *resolver) link(p string) (next string, isLink bool, err error) {
	if r.links > maxLinks {
		return "", false, fmt.Errorf("%s leads through more than %d symbolic links", p, maxLinks)
	}
	p = path.Join("/", p)
	if p == "/" {
		return p, false, nil
	}
	target, isLink, err := r.read(p)
	if err != nil || !isLink {
		return p, false, err
	}
	r.links++
	return target, true, nil
}

// walk replaces the symbolic links of a path, each by its target.
func (r *resolver) walk(p string) (string, error) {
	dir, name := path.Split(p)
	switch {
	case dir == "":
		next, _, err := r.link(name)
		return next, err
	case name == "" && dir == "/":
		return dir, nil
	case name == "":
		return r.walk(dir[:len(dir)-1])
	}
	in, err := r.walk(dir)
	if err != nil {
		return "", err
	}
	next, isLink, err := r.link(path.Join(in, name))
	if err != nil || !isLink || path.IsAbs(next) {
		return next, err
	}
	return path.Join(in, next), nil
}
