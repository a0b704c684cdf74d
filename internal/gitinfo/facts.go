package gitinfo

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Fact is something that git knows about a repository.
type Fact string

// The facts.
const (
	// Revision is the full hash of the commit that is checked out.
	Revision Fact = "revision"
	// Tag is the tag of that commit.
	Tag Fact = "tag"
	// Branch is the branch that is checked out.
	Branch Fact = "branch"
	// Dirty is "true" if a file was changed, added or removed since that commit, without files that git ignores, and "false" otherwise.
	Dirty Fact = "dirty"
	// Date is when that commit was made, in UTC, as RFC 3339 has it.
	Date Fact = "date"
)

// A Repository is the git repository that a directory is in, if it is in one. It keeps its answers.
type Repository struct {
	dir string
	git string // the program, as [exec.LookPath] takes it

	mu      sync.Mutex
	looked  bool  // for the repository
	missing error // what that gave
	answers map[Fact]answer
}

type answer struct {
	value string
	err   error
}

// In returns the repository that a directory is in. It looks for it when it is asked something.
func In(dir string) *Repository {
	return &Repository{dir: dir, git: "git", answers: map[Fact]answer{}}
}

// Fact returns a fact. The error is an *[Error], unless the context ended.
func (r *Repository) Fact(ctx context.Context, fact Fact) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.answers[fact]; ok {
		return known.value, known.err
	}
	value, err := r.ask(ctx, fact)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	r.answers[fact] = answer{value, err}
	return value, err
}

func (r *Repository) ask(ctx context.Context, fact Fact) (string, error) {
	if !r.looked {
		r.missing = r.find(ctx)
		r.looked = ctx.Err() == nil
	}
	if r.missing != nil {
		return "", r.missing
	}
	if fact != Branch && fact != Dirty { // they are known before the first commit, too
		if err := r.committed(ctx); err != nil {
			return "", err
		}
	}
	switch fact {
	case Revision:
		return r.run(ctx, "rev-parse", "--verify", "HEAD^{commit}")
	case Tag:
		return r.tag(ctx)
	case Branch:
		return r.branch(ctx)
	case Dirty:
		// Renames would be looked for in the content of files, and are changes in any case.
		changes, err := r.run(ctx, "status", "--porcelain", "--untracked-files=normal", "--no-renames")
		return strconv.FormatBool(changes != ""), err
	case Date:
		return r.date(ctx)
	}
	return "", &Error{Problem: Failed, Dir: r.dir, Output: "there is no fact " + string(fact)}
}

// committed returns an error if there is no commit yet.
func (r *Repository) committed(ctx context.Context) error {
	_, err := r.run(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if code, ok := exitCode(err); ok && code == 1 {
		return &Error{Problem: NoCommit, Dir: r.dir}
	}
	return err
}

func (r *Repository) tag(ctx context.Context) (string, error) {
	list, err := r.run(ctx, "for-each-ref", "--points-at=HEAD", "refs/tags")
	if err != nil {
		return "", err
	}
	var tags []string
	for line := range strings.Lines(list) { // HASH TYPE<tab>NAME; no name has a blank in it
		if fields := strings.Fields(line); len(fields) == 3 {
			tags = append(tags, strings.TrimPrefix(fields[2], "refs/tags/"))
		}
	}
	switch len(tags) {
	case 0:
		shallow, err := r.run(ctx, "rev-parse", "--is-shallow-repository")
		if err != nil {
			return "", err
		}
		return "", &Error{Problem: NoTag, Dir: r.dir, Shallow: shallow == "true"}
	case 1:
		return tags[0], nil
	}
	slices.Sort(tags)
	return "", &Error{Problem: SeveralTags, Dir: r.dir, Tags: tags}
}

// branch does not have git shorten the name: it would keep a part of it when a tag has the same.
func (r *Repository) branch(ctx context.Context) (string, error) {
	name, err := r.run(ctx, "symbolic-ref", "--quiet", "HEAD")
	if code, ok := exitCode(err); ok && code == 1 {
		return "", &Error{Problem: Detached, Dir: r.dir}
	}
	return strings.TrimPrefix(name, "refs/heads/"), err
}

// date takes a plumbing command: git log would have the signature checked if the configuration says so.
func (r *Repository) date(ctx context.Context) (string, error) {
	line, err := r.run(ctx, "rev-list", "--max-count=1", "--timestamp", "HEAD")
	if err != nil {
		return "", err
	}
	stamp, _, _ := strings.Cut(line, " ")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "", &Error{Problem: Failed, Dir: r.dir, Output: line, Err: err}
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339), nil
}
