package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/internal/export"
	"github.com/pulpimg/pulpimg/internal/gitinfo"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
	"github.com/pulpimg/pulpimg/pkg/render/container"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Libraries report facts, and know nothing of this command line. What its users can do about an error is said here.

// advise adds what to do about an error to what is printed of it.
func advise(d diagnostic.Diagnostic, err error) diagnostic.Diagnostic {
	var override *family.OverrideError
	if errors.As(err, &override) {
		d.Message = overrideFlag(override) + ": " + override.Problem
	}
	d.Hint = cmp.Or(remedy(err), d.Hint)
	var value *family.ValueError
	if errors.As(err, &value) {
		d.Hint = strings.TrimPrefix(d.Hint+"; "+sourcesOf(value.Variables), "; ")
	}
	return d
}

// sourcesOf says where the values of variables come from.
func sourcesOf(variables []family.Variable) string {
	var out []string
	for _, v := range variables {
		from := "--set"
		switch v.Source {
		case family.FromEnviron:
			from = family.EnvironPrefix + v.Name
		case family.FromGit:
			from = "git"
		case family.FromFile:
			from = v.File + ":" + v.At.Start.String()
		}
		out = append(out, "the value of "+v.Name+" is from "+from)
	}
	return strings.Join(out, ", ")
}

// overrideFlag returns the flag that gave the value of an override.
func overrideFlag(override *family.OverrideError) string {
	if override.Variable != "" {
		return "--set " + override.Variable
	}
	return "--" + override.Key // --registry and --tag have the names of the keys
}

// remedy returns what to do about an error, or nothing.
func remedy(err error) string {
	var (
		value     *family.NoValueError
		git       *family.GitError
		helper    *family.NoHelperError
		base      *build.BaseError
		secret    *build.MissingSecretError
		platform  *build.PlatformError
		unusable  *engine.UnusableError
		stays     *build.EngineStaysError
		platforms *export.PlatformsError
		conf      *registries.FileError
		immutable *publish.ImmutableError
		layer     *publish.LayerError
		stay      *publish.UndeletableError
	)
	switch {
	case errors.As(err, &stay):
		return undeletableRemedy
	case errors.As(err, &layer):
		return layerRemedy(layer)
	case errors.As(err, &immutable):
		return "publish what is new under a new tag: in the spec, or with --tag"
	case errors.As(err, &value):
		return valueRemedy(value)
	case errors.As(err, &git):
		return gitRemedy(git)
	case errors.As(err, &helper):
		return wholeProgram + ", or put it into a directory as helper/pulp-helper-linux-" + helper.Arch + " and name that with --assets"
	case errors.As(err, &base):
		return baseRemedy(base)
	case errors.As(err, &conf):
		return confRemedy(conf)
	case errors.As(err, &secret):
		return "give it with --secret id=" + secret.ID + ",src=FILE"
	case errors.Is(err, build.ErrDenied):
		return policyRemedy
	case errors.Is(err, build.ErrDiskFull):
		return "free some, for example with `pulpimg engine prune`"
	case errors.Is(err, build.ErrMissingLayers):
		return "empty the engine's cache with `pulpimg engine prune`, and the same --engine if there is one, and build again"
	case errors.As(err, &platform):
		return "use an engine on such a machine (--engine), or install emulation for it (binfmt_misc)"
	case errors.As(err, &unusable):
		return engineRemedy(unusable)
	case errors.As(err, &stays):
		return "remove all of it with `pulpimg engine prune` alone, which needs no engine"
	case errors.Is(err, engine.ErrUnreachable):
		return "check that buildkitd runs there and listens on this address, or use the embedded engine: leave out --engine, and unset BUILDKIT_HOST"
	case errors.Is(err, export.ErrNoStore):
		return "start one, or use --output docker-archive:FILE"
	case errors.As(err, &platforms):
		return "choose one with --platform"
	}
	return cmp.Or(runRemedy(err), cacheRemedy(err))
}

// runRemedy returns what to do about an error of what runs images, or nothing.
func runRemedy(err error) string {
	var (
		restart *container.RestartError
		sources *kubernetes.TwoSourcesError
	)
	switch {
	case errors.As(err, &restart):
		return "--restart on-failure:6 tries a job again that fails"
	case errors.As(err, &sources):
		return "leave out one of both; --existing-secret SECRET=NAME is for one secret alone"
	}
	return ""
}

// valueRemedy returns what to do about a variable that has no value.
func valueRemedy(value *family.NoValueError) string {
	fromEnvironment := family.EnvironPrefix + value.Variable
	var set []string // without what all of them begin with, which would make any two of them alike
	for _, name := range value.Unknown {
		set = append(set, strings.TrimPrefix(name, family.EnvironPrefix))
	}
	if near, ok := spec.Nearest(value.Variable, set); ok {
		return fmt.Sprintf("%s is set: did you mean %s?", family.EnvironPrefix+near, fromEnvironment)
	}
	return fmt.Sprintf("give it one with --set %s=VALUE, with %s in the environment, or in %s", value.Variable, fromEnvironment, family.ValuesFile)
}

// gitRemedy returns what to do about a variable that git does not say.
func gitRemedy(e *family.GitError) string {
	set := "give it a value with --set " + e.Variable + "=VALUE, or a default under variables"
	var git *gitinfo.Error
	if !errors.As(e, &git) {
		return set
	}
	switch {
	case git.Problem == gitinfo.NoGit:
		return "install git, or " + set
	case git.Problem == gitinfo.NoTag && git.Shallow:
		return "fetch the tags (git fetch --tags; in CI, a full clone), or " + set
	case git.Problem == gitinfo.SeveralTags:
		return "choose one with --set " + e.Variable + "=" + git.Tags[0]
	case git.Problem == gitinfo.Failed:
		return "see what git status says there, or give it a value with --set " + e.Variable + "=VALUE"
	}
	return set
}

// layerRemedy returns what to do about a layer that no place gives.
func layerRemedy(layer *publish.LayerError) string {
	if errors.As(layer, new(*publish.CredentialsError)) || errors.As(layer, new(*publish.UnreachableError)) {
		return "" // what the place says is what can be mended
	}
	return "build again, which takes the base as its registry has it now; if it still has this one, with --no-cache"
}

const undeletableRemedy = "allow it there (REGISTRY_STORAGE_DELETE_ENABLED=true for the registry of the distribution project), or remove the tags with the " +
	"registry's own tools: pulpimg records prune --dry-run --format json names them"

const policyRemedy = "allow it in the file given as --source-policy, or build without one"

// baseRemedy returns what to do when a base cannot be used.
func baseRemedy(base *build.BaseError) string {
	var conf *registries.FileError
	switch {
	case errors.As(base, &conf):
		return confRemedy(conf)
	case base.Untrusted():
		return "if the authority is one of your own, name its certificate with --ca FILE, or put it into certs.d of the registry (see docs/registries.md)"
	case base.WithoutTLS():
		return "if the registry is meant to work without TLS, allow that with --plain-http HOST[:PORT]"
	case base.Refused():
		return "its registry wants other credentials: docker login " + base.RefusedBy()
	case base.Denied():
		return policyRemedy
	case base.Source == nil && len(base.Image.BaseVariables) > 0:
		return "choose another one with --set " + base.Image.BaseVariables[0] + "=..."
	}
	return "name another one here, or let a source policy take it from elsewhere (--source-policy)"
}

// confRemedy returns what to do about a file about registries that cannot be used.
func confRemedy(conf *registries.FileError) string {
	if filepath.Base(conf.File) == "registries.conf" {
		return "correct it, or do without: CONTAINERS_REGISTRIES_CONF=/dev/null"
	}
	return "correct it, or move it away (see docs/registries.md)"
}

// wholeProgram is where to get a program that lacks nothing: `go install` compiles one without the engine and the helpers.
const wholeProgram = "install pulpimg from a package or an archive of https://github.com/pulpimg/pulpimg/releases, or compile it with `make`"

// engineRemedy returns what to do when the embedded engine cannot run.
func engineRemedy(unusable *engine.UnusableError) string {
	switch unusable.Reason {
	case engine.NotIncluded:
		return wholeProgram + ", or use --engine ADDR"
	case engine.OtherSystem:
		return "use --engine ADDR (docker-container://NAME, tcp://HOST:PORT, ssh://USER@HOST)"
	case engine.NotExecutable:
		return "set XDG_CACHE_HOME to a place elsewhere, or use --engine ADDR"
	}
	return namespaceRemedy(unusable, os.Geteuid() == 0) + ", or use --engine ADDR"
}

// namespaceRemedy returns what to do when the embedded engine gets no namespaces.
func namespaceRemedy(unusable *engine.UnusableError, root bool) string {
	switch unusable.Reason {
	case engine.NoIDMapProgram:
		return "install it (apt-get install uidmap, dnf install shadow-utils, apk add shadow-uidmap), run pulpimg as root"
	case engine.NoSubIDs:
		var ids *engine.SubIDsError
		if errors.As(unusable, &ids) {
			return fmt.Sprintf("have root add the line %s:%d:65536 to %s, run pulpimg as root", ids.User, ids.Free, ids.File)
		}
	case engine.SysctlForbids:
		var sysctl *engine.SysctlError
		if errors.As(unusable, &sysctl) {
			return fmt.Sprintf("have root allow them with sysctl -w %s=%s, run pulpimg as root", sysctl.Name, sysctl.Needed)
		}
	case engine.AppArmorForbids:
		return "have root load a profile for this program that has the line `userns,` (see docs/engines.md), run pulpimg as root"
	case engine.IDMapFailed:
		return "check that newuidmap and newgidmap are setuid root or have file capabilities, run pulpimg as root"
	case engine.ProcMasked:
		return "start the container with --security-opt systempaths=unconfined (podman: unmask=ALL)"
	case engine.NamespacesRefused:
		if root {
			return "give root these rights (in a container: --privileged)"
		}
		return "in a container, start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
	}
	return "run pulpimg as root"
}

// cacheRemedy returns what to do about a cache that cannot be written to, or nothing.
func cacheRemedy(err error) string {
	var path *fs.PathError
	cache, cacheErr := build.Cache{}.Path()
	if !errors.As(err, &path) || cacheErr != nil || !strings.HasPrefix(path.Path, cache+string(filepath.Separator)) {
		return ""
	}
	const elsewhere = "set XDG_CACHE_HOME to a place that can be written to"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space, for example with `pulpimg engine prune`, or " + elsewhere
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return elsewhere
	}
	return ""
}
