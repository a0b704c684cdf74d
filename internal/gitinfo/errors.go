package gitinfo

import (
	"fmt"
	"io/fs"
	"strings"
)

// A Problem says why there is no fact.
type Problem int

// The problems.
const (
	// Failed is anything that git itself refuses, such as a damaged repository or one of another user.
	Failed Problem = iota
	// NoRepository is a directory that is in no repository.
	NoRepository
	// NoGit is a machine without git.
	NoGit
	// NoCommit is a repository without a commit.
	NoCommit
	// NoTag is a commit that no tag points at.
	NoTag
	// SeveralTags is a commit with more than one tag.
	SeveralTags
	// Detached is a repository in which a commit is checked out, and no branch.
	Detached
)

// An Error reports that git does not say a fact. It is a [fs.ErrNotExist] if the reason is that there is none, or nobody to ask.
type Error struct {
	Problem Problem
	// Dir is the directory that is asked about.
	Dir string
	// Tags are the tags of the commit, if there are several.
	Tags []string
	// Shallow says that the repository has only a part of the history, and maybe not all tags.
	Shallow bool
	// Output is what git said.
	Output string
	Err    error
}

// shownTags is how many tags an error names.
const shownTags = 10

func (e *Error) Error() string {
	switch e.Problem {
	case NoRepository:
		return e.Dir + " is in no git repository"
	case NoGit:
		return "git is not installed"
	case NoCommit:
		return "the git repository has no commit yet"
	case NoTag:
		if e.Shallow {
			return "no tag of this git repository, which is a shallow clone, points at the commit that is checked out"
		}
		return "no tag points at the commit that is checked out"
	case SeveralTags:
		tags := e.Tags
		if len(tags) > shownTags {
			tags = append(tags[:shownTags:shownTags], fmt.Sprintf("and %d more", len(tags)-shownTags))
		}
		return "several tags point at the commit that is checked out: " + strings.Join(tags, ", ")
	case Detached:
		return "a commit is checked out, and no branch"
	}
	if e.Output != "" {
		return "git says: " + e.Output
	}
	return fmt.Sprintf("git fails: %v", e.Err)
}

// Unwrap returns what caused the error.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether the error is a target.
func (e *Error) Is(target error) bool {
	return target == fs.ErrNotExist && e.Problem != Failed && e.Problem != SeveralTags
}
