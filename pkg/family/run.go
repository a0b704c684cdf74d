package family

import (
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Run runs a command in the image.
type Run struct {
	Common
	// Script is given to /bin/sh -ceu when Args is empty.
	Script string
	// Args is a command without a shell.
	Args []string
	// WorkDir is the directory that the command runs in; empty for the working directory of the image.
	WorkDir string
	// User is who the command runs as, USER or USER:GROUP; empty for root.
	User string
	// Env are variables for this command alone.
	Env []EnvVar
	// Secrets are the ids of the secrets mounted at /run/secrets/ID for the length of the command.
	Secrets []string
	// Caches are directories whose content is kept from one build to the next.
	Caches []CacheDir
	// Mounts are what the command sees at other paths, in the order of these: a mount hides what those before it have below its path, and nothing else
	// depends on their order.
	Mounts []Mount
	// NoNetwork keeps the command from reaching any network.
	NoNetwork bool
	// Refresh bounds the age of what the command got from the network. It is the step's own, or the family's. It makes no other image.
	Refresh Refresh `json:"-"`
}

// platformVariable matches the variables by which a Dockerfile's ARG knows platforms.
// https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
var platformVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT)\b`) })

// PlatformVariables returns the names of the variables of platforms that the command names, sorted: TARGETARCH, BUILDPLATFORM and the like.
func (s Run) PlatformVariables() []string {
	found := platformVariable().FindAllString(strings.Join(append(slices.Clone(s.Args), s.Script), "\n"), -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// A CacheDir is a directory whose content is kept from one build to the next, and is in no layer.
type CacheDir struct {
	Path string
	// Name is what families share the directory by; empty for one of this family and this path alone.
	Name string
	// Locked says that only one command at a time uses it.
	Locked bool
}

// A Mount is what a command sees at a path: files of the spec's folder, files of an image, or, with neither, an empty directory in memory.
type Mount struct {
	// Path is where the command sees it.
	Path string
	// Source is the image, or nil.
	Source *ImageSource
	// From is the path in the image or, for files of the folder, the path below Files that is mounted.
	From string
	// Files are files of the spec's folder, by their paths below the mount's own root.
	Files []File
	At    spec.Range `json:"-"` // where the mount is in the spec makes no other image
}

// Tmpfs reports whether a mount is an empty directory in memory.
func (m Mount) Tmpfs() bool { return m.Source == nil && m.Files == nil }

// Env sets variables of the image's configuration. It makes no layer.
type Env struct {
	Common
	Vars []EnvVar
}

func (r *resolver) run(s spec.Step) Step {
	d := s.Run
	step := Run{
		Script:  r.nonEmpty(d.Script, verbatim, "", "script of run"),
		Args:    r.substitute.texts(d.Command, verbatim),
		WorkDir: r.absolute(d.Workdir, "the directory"),
		User:    r.matchForm(d.User, userGroup, "user"),
		Env:     r.envVars(d.Env),
		Secrets: r.matchForms(d.Secrets, secretID, "id for a secret"),
	}
	r.program(d.Command, verbatim)
	if network := r.matchForm(d.Network, networkMode, `network: only "none" can be said of one`); network != "" {
		step.NoNetwork = true
	}
	step.Refresh = r.stepRefresh(d.Refresh, step)
	targets := map[string]bool{}
	for _, c := range d.Cache {
		step.Caches = append(step.Caches, r.cacheDir(c, targets))
	}
	for _, m := range d.Mounts {
		step.Mounts = append(step.Mounts, r.mount(m, targets))
	}
	slices.SortFunc(step.Mounts, func(a, b Mount) int { return strings.Compare(a.Path, b.Path) })
	title := step.Script
	if len(step.Args) > 0 {
		title = strings.Join(step.Args, " ")
	}
	step.Common = Common{Name: "run " + firstLine(title), Range: s.At}
	return step
}

// mountPoint returns the path in the container of a cache or mount. Two at one path would hide each other.
func (r *resolver) mountPoint(t spec.Text, what string, taken map[string]bool) string {
	at := r.absolute(t, what)
	switch {
	case at == "/":
		r.report.Add(t.At, "", "%s is /, the image itself", what)
	case taken[at]:
		r.report.Add(t.At, "", "this step has two caches or mounts at %s", at)
	}
	r.checkReserved(t.At, at)
	taken[at] = true
	return at
}

// lockedCaches are directories of package managers, which fail or do harm when two of them work there at once.
func lockedCaches() []string {
	return []string{"/var/cache/apt", "/var/lib/apt", "/var/cache/apk", "/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5", "/var/lib/dnf"}
}

func (r *resolver) cacheDir(c spec.CacheDir, taken map[string]bool) CacheDir {
	dir := CacheDir{
		Path:   r.mountPoint(c.Path, "the cache", taken),
		Name:   r.matchForm(c.Name, declaredName, "name for a cache"),
		Locked: c.Lock,
	}
	dir.Locked = dir.Locked || slices.ContainsFunc(lockedCaches(), func(at string) bool { return dir.Path == at || strings.HasPrefix(dir.Path, at+"/") })
	return dir
}

func (r *resolver) mount(m spec.Mount, taken map[string]bool) Mount {
	switch {
	case m.Tmpfs.IsSet():
		return Mount{Path: r.mountPoint(m.Tmpfs, "the mount", taken), At: m.At}
	case m.Image.IsSet():
		source := r.source(m.Image)
		return Mount{Path: r.mountPoint(m.To, "the mount", taken), Source: &source, From: r.pathInSource(m.From, source), At: m.At}
	}
	out := Mount{Path: r.mountPoint(m.To, "the mount", taken), At: m.At, Files: []File{}}
	from, ok := r.pathInFolder(m.From)
	if !ok {
		return out
	}
	if !filepath.IsLocal(from) {
		r.report.Add(m.From.At, "name a file in the folder of the spec", "%q is outside the spec's folder", from)
		return out
	}
	// What is mounted is at /from, whether it is a file or a directory.
	const root = "/from"
	var err error
	w := walker{folder: r.folder, from: path.Clean(from), to: root, budget: r.budget}
	if w.ignore, err = r.ignored(); err == nil {
		err = w.walk(false)
	}
	if err != nil {
		r.report.Add(m.From.At, "", "%q cannot be mounted: %v", from, err)
	}
	out.From, out.Files = root, append(out.Files, w.files...)
	if len(out.Files) == 0 {
		out.Files = []File{{Path: root, Mode: fs.ModeDir | 0o755}}
	}
	return out
}

func (r *resolver) envStep(s spec.Step) Step {
	r.checkSecretEnv(s.Env)
	step := Env{Vars: r.envVars(s.Env)}
	names := make([]string, len(step.Vars))
	for i, v := range step.Vars {
		names[i] = v.Name
	}
	step.Common = Common{Name: "env " + strings.Join(names, " "), Range: s.At}
	return step
}
