package gitinfo_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/gitinfo"
)

// A repo is a git repository for a test.
type repo struct {
	t   *testing.T
	dir string
}

// newRepo makes a repository with one commit, unless it is to be empty. Nothing of the user's configuration counts.
func newRepo(t *testing.T, empty bool) repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("these tests need git, which made this clone")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	r := repo{t, t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	if !empty {
		r.write("file", "content")
		r.git("add", ".")
		r.commit("first")
	}
	return r
}

// git runs git in the repository and returns what it prints.
func (r repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2020-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2021-02-03T01:02:03+02:00")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r repo) commit(message string) {
	r.t.Helper()
	r.git("commit", "--quiet", "--allow-empty", "-m", message)
}

func (r repo) write(name, content string) {
	r.t.Helper()
	name = filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o644)); err != nil {
		r.t.Fatal(err)
	}
}

// in is the same repository, seen from another directory.
func (r repo) in(dir string) repo { return repo{r.t, dir} }

// want compares a fact with what it has to be.
func (r repo) want(fact gitinfo.Fact, want string) {
	r.t.Helper()
	if got, err := gitinfo.In(r.dir).Fact(r.t.Context(), fact); err != nil || got != want {
		r.t.Errorf("%s is %q (%v), want %q", fact, got, err, want)
	}
}

// wantProblem compares why there is no fact with what has to be the reason.
func (r repo) wantProblem(fact gitinfo.Fact, want gitinfo.Problem) *gitinfo.Error {
	r.t.Helper()
	value, err := gitinfo.In(r.dir).Fact(r.t.Context(), fact)
	var got *gitinfo.Error
	if !errors.As(err, &got) || got.Problem != want {
		r.t.Fatalf("%s is %q (%v), want problem %d", fact, value, err, want)
	}
	if absent := errors.Is(err, fs.ErrNotExist); absent != (want != gitinfo.Failed && want != gitinfo.SeveralTags) {
		r.t.Errorf("%v: that there is no such fact is %t", err, absent)
	}
	return got
}

func TestFact(t *testing.T) {
	r := newRepo(t, false)
	head := r.git("rev-parse", "HEAD")
	for _, dir := range []string{"", "sub/dir"} {
		t.Run("in /"+dir, func(t *testing.T) {
			if err := os.MkdirAll(filepath.Join(r.dir, dir), 0o755); err != nil {
				t.Fatal(err)
			}
			r := repo{t, filepath.Join(r.dir, dir)}
			r.want(gitinfo.Revision, head)
			r.want(gitinfo.Date, "2021-02-02T23:02:03Z")
			r.want(gitinfo.Branch, "main")
			r.want(gitinfo.Dirty, "false")
			r.wantProblem(gitinfo.Tag, gitinfo.NoTag)
		})
	}
}

func TestFact_tag(t *testing.T) {
	r := newRepo(t, false)
	r.git("tag", "old")
	r.commit("second")
	if e := r.wantProblem(gitinfo.Tag, gitinfo.NoTag); e.Shallow {
		t.Error("the clone counts as shallow")
	}
	r.git("tag", "-m", "annotated", "v2")
	r.want(gitinfo.Tag, "v2")
	r.git("tag", "a/light")
	e := r.wantProblem(gitinfo.Tag, gitinfo.SeveralTags)
	if !strings.HasSuffix(e.Error(), ": a/light, v2") {
		t.Errorf("the error is %q", e)
	}
	r.git("tag", "-d", "v2")
	r.want(gitinfo.Tag, "a/light")
	r.git("config", "column.ui", "always")
	r.git("config", "tag.sort", "-refname")
	r.want(gitinfo.Tag, "a/light")
}

func TestFact_branch(t *testing.T) {
	r := newRepo(t, false)
	r.git("switch", "--quiet", "-c", "topic/one")
	r.git("tag", "topic/one") // git's own short name of the branch is heads/topic/one now
	r.want(gitinfo.Branch, "topic/one")
	r.git("switch", "--quiet", "--detach")
	r.wantProblem(gitinfo.Branch, gitinfo.Detached)
	r.want(gitinfo.Tag, "topic/one")
}

func TestFact_dirty(t *testing.T) {
	for _, test := range []struct {
		name, want string
		change     func(repo)
	}{
		{"a changed file", "true", func(r repo) { r.write("file", "changed") }},
		{"a file that is staged", "true", func(r repo) { r.write("new", ""); r.git("add", "new") }},
		{"a new file", "true", func(r repo) { r.write("new", "") }},
		{"a new file that the configuration hides", "true", func(r repo) { r.git("config", "status.showUntrackedFiles", "no"); r.write("new", "") }},
		{"a file that is gone", "true", func(r repo) { _ = os.Remove(filepath.Join(r.dir, "file")) }},
		{"an ignored file", "false", func(r repo) { r.write(".git/info/exclude", "new"); r.write("new", "") }},
		{"a branch in the output", "false", func(r repo) { r.git("config", "status.branch", "true") }},
		{"more files than an answer may have", "true", func(r repo) {
			for n := range 600 {
				r.write(strings.Repeat("d", 200)+string(rune('a'+n%26))+strings.Repeat("x", n/26), "")
			}
		}},
		{"another time of a file", "false", func(r repo) { r.write("file", "content") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRepo(t, false)
			test.change(r)
			r.want(gitinfo.Dirty, test.want)
		})
	}
}

func TestFact_keepsAnswers(t *testing.T) {
	r := newRepo(t, false)
	asked := gitinfo.In(r.dir)
	first, err := asked.Fact(t.Context(), gitinfo.Revision)
	if err != nil {
		t.Fatal(err)
	}
	r.commit("second")
	if second, err := asked.Fact(t.Context(), gitinfo.Revision); second != first {
		t.Errorf("the second answer is %q (%v), want %q", second, err, first)
	}
}

func TestFact_otherTrees(t *testing.T) {
	r := newRepo(t, false)
	head := r.git("rev-parse", "HEAD")
	t.Run("a worktree", func(t *testing.T) {
		tree := repo{t, filepath.Join(t.TempDir(), "tree")}
		r.git("worktree", "add", "--quiet", "-b", "there", tree.dir)
		tree.commit("in the worktree")
		tree.want(gitinfo.Branch, "there")
		tree.want(gitinfo.Revision, tree.git("rev-parse", "HEAD"))
		r.want(gitinfo.Revision, head)
	})
	t.Run("a submodule", func(t *testing.T) {
		outer := newRepo(t, false)
		outer.git("submodule", "--quiet", "add", r.dir, "below/sub")
		outer.commit("with a submodule")
		sub := outer.in(filepath.Join(outer.dir, "below", "sub"))
		sub.want(gitinfo.Revision, head)
		outer.want(gitinfo.Dirty, "false")
		sub.write("new", "")
		sub.want(gitinfo.Dirty, "true")
		outer.want(gitinfo.Dirty, "true")
	})
	t.Run("a shallow clone", func(t *testing.T) {
		r.commit("second")
		r.git("tag", "v1", "HEAD~1")
		clone := repo{t, filepath.Join(t.TempDir(), "clone")}
		r.git("clone", "--quiet", "--depth=1", "file://"+r.dir, clone.dir)
		clone.want(gitinfo.Revision, r.git("rev-parse", "HEAD"))
		if e := clone.wantProblem(gitinfo.Tag, gitinfo.NoTag); !e.Shallow || !strings.Contains(e.Error(), "shallow") {
			t.Errorf("the clone does not count as shallow: %v", e)
		}
	})
}

func TestFact_nothingToAsk(t *testing.T) {
	t.Run("no repository", func(t *testing.T) {
		newRepo(t, true) // for the environment
		repo{t, t.TempDir()}.wantProblem(gitinfo.Revision, gitinfo.NoRepository)
	})
	t.Run("no commit yet", func(t *testing.T) {
		r := newRepo(t, true)
		r.want(gitinfo.Branch, "main")
		r.want(gitinfo.Dirty, "false")
		for _, fact := range []gitinfo.Fact{gitinfo.Revision, gitinfo.Date, gitinfo.Tag} {
			r.wantProblem(fact, gitinfo.NoCommit)
		}
	})
	t.Run("no git", func(t *testing.T) {
		r := newRepo(t, false)
		t.Setenv("PATH", t.TempDir())
		r.wantProblem(gitinfo.Revision, gitinfo.NoGit)
		repo{t, t.TempDir()}.wantProblem(gitinfo.Revision, gitinfo.NoRepository)
	})
}

func TestFact_failures(t *testing.T) {
	for _, test := range []struct {
		name, want string
		damage     func(repo)
	}{
		{"a .git that leads nowhere", "not a git repository: /nowhere", func(r repo) {
			if err := os.RemoveAll(filepath.Join(r.dir, ".git")); err != nil {
				r.t.Fatal(err)
			}
			r.write(".git", "gitdir: /nowhere\n")
		}},
		{"an empty .git", "not a git repository", func(r repo) {
			if err := errors.Join(os.RemoveAll(filepath.Join(r.dir, ".git")), os.Mkdir(filepath.Join(r.dir, ".git"), 0o755)); err != nil {
				r.t.Fatal(err)
			}
		}},
		{"a configuration that is none", "bad config line ", func(r repo) { r.write(".git/config", "[") }},
		{"the repository of somebody else", "git config --global --add safe.directory", func(r repo) {
			if os.Geteuid() != 0 {
				r.t.Skip("only root can give files away")
			}
			if err := os.Chown(filepath.Join(r.dir), 12345, 12345); err != nil {
				r.t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRepo(t, false)
			test.damage(r)
			e := r.wantProblem(gitinfo.Branch, gitinfo.Failed)
			if !strings.Contains(e.Error(), test.want) || strings.Contains(e.Error(), "\n") {
				t.Errorf("the error is %q, want one line with %q", e, test.want)
			}
		})
	}
}

// A hook has variables of git in its environment that are about its own repository.
func TestFact_environment(t *testing.T) {
	other, r := newRepo(t, false), newRepo(t, false)
	other.commit("second")
	head := r.git("rev-parse", "HEAD")
	for name, value := range map[string]string{
		"GIT_DIR": filepath.Join(other.dir, ".git"), "GIT_WORK_TREE": other.dir, "GIT_INDEX_FILE": filepath.Join(other.dir, ".git", "index"),
		"GIT_OBJECT_DIRECTORY": t.TempDir(), "GIT_TRACE": "1", "GIT_NAMESPACE": "n", "LC_ALL": "de_DE.UTF-8",
	} {
		t.Setenv(name, value)
	}
	r.want(gitinfo.Revision, head)
	r.want(gitinfo.Dirty, "false")
}

// What a machine is configured with by the environment counts, such as who may use the repositories of others.
func TestFact_configuredByEnvironment(t *testing.T) {
	r := newRepo(t, false)
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	if err := os.Chown(r.dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	r.wantProblem(gitinfo.Branch, gitinfo.Failed)
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "safe.directory")
	t.Setenv("GIT_CONFIG_VALUE_0", "*")
	r.want(gitinfo.Branch, "main")
}

// Asking runs none of the repository's hooks, and does not change the repository.
func TestFact_runsNoHooks(t *testing.T) {
	r := newRepo(t, false)
	r.git("tag", "v1")
	ran := filepath.Join(t.TempDir(), "ran")
	r.write(".git/hooks/post-index-change", "#!/bin/sh\ntouch "+ran+"\n")
	r.write("monitor", "#!/bin/sh\ntouch "+ran+"\nexit 1\n")
	for _, name := range []string{".git/hooks/post-index-change", "monitor"} {
		if err := os.Chmod(filepath.Join(r.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.git("config", "log.showSignature", "true")
	r.git("config", "gpg.program", filepath.Join(r.dir, "monitor"))
	r.git("config", "core.fsmonitor", filepath.Join(r.dir, "monitor"))
	r.write("file", "content") // its time is another one, which status would note in the index
	index := func() string {
		data, err := os.ReadFile(filepath.Join(r.dir, ".git", "index"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	before := index()
	for _, fact := range []gitinfo.Fact{gitinfo.Branch, gitinfo.Date, gitinfo.Dirty, gitinfo.Revision, gitinfo.Tag} {
		if _, err := gitinfo.In(r.dir).Fact(t.Context(), fact); err != nil {
			t.Error(err)
		}
	}
	if index() != before {
		t.Error("the index was written")
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program of the repository ran")
	}
	r.git("status") // which shows that they would
	if _, err := os.Stat(ran); err != nil {
		t.Errorf("git itself runs none of them: %v", err)
	}
}

func TestFact_canceled(t *testing.T) {
	r := newRepo(t, false)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	asked := gitinfo.In(r.dir)
	if _, err := asked.Fact(ctx, gitinfo.Branch); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
	if branch, err := asked.Fact(t.Context(), gitinfo.Branch); branch != "main" {
		t.Errorf("asked again, the branch is %q (%v)", branch, err)
	}
}
