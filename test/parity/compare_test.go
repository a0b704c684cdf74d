package parity

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/test/images"
)

// An image is one that was built.
type image = images.Image

// compare reports every difference that is not allowed between an image that was built directly and the one of its Dockerfile.
func compare(t *testing.T, source *family.Image, direct, built image) {
	t.Helper()
	for _, difference := range unlike(source, direct, built) {
		t.Errorf("%s: %s", source.Name, difference)
	}
}

// unlike returns the differences that are not allowed, as people read them.
func unlike(source *family.Image, direct, built image) []string {
	out := unlikeTrees(source, direct, built)
	if diff := cmp.Diff(settings(source, direct.Config), settings(source, built.Config), cmpopts.EquateEmpty()); diff != "" {
		out = append(out, "config (-direct +Dockerfile):\n"+diff)
	}
	if diff := cmp.Diff(story(direct.Config.History), story(built.Config.History)); diff != "" {
		out = append(out, "what the history tells (-direct +Dockerfile):\n"+diff)
	}
	return out
}

func unlikeTrees(source *family.Image, direct, built image) []string {
	all := maps.Clone(direct.Tree)
	maps.Copy(all, built.Tree)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		is, should := built.Tree[name], direct.Tree[name]
		if is != should && !treeAllowed(built, source, name, should, is) {
			out = append(out, fmt.Sprintf("%s\n  direct:     %s\n  Dockerfile: %s", name, should, is))
		}
	}
	return out
}

// settings are what a config says, other than times, layers and history, and what the list of differences leaves out.
func settings(source *family.Image, c dockerspec.DockerOCIImage) any {
	for _, d := range configDifferences {
		d.leaveOut(&c.Config, source)
	}
	return struct {
		Platform ocispec.Platform
		Author   string
		Config   dockerspec.DockerOCIImageConfig
	}{c.Platform, c.Author, c.Config}
}

// story is what a person reads in a history: the steps in order, and what is declared besides, sorted. Each way has its own spelling.
func story(history []ocispec.History) []string {
	var steps, declared []string
	for _, h := range history {
		text := strings.TrimSuffix(h.CreatedBy, " # buildkit")
		instruction, rest, _ := strings.Cut(text, " ")
		switch instruction {
		case "COPY": // a step may need several; which files they bring, the trees say
			if len(steps) == 0 || steps[len(steps)-1] != "COPY" {
				steps = append(steps, "COPY")
			}
		case "ADD":
			words := strings.Fields(rest)
			steps = append(steps, "ADD "+strings.Join(words[max(0, len(words)-2):], " "))
		case "RUN":
			steps = append(steps, "RUN "+command(rest))
		case "LABEL", "ENV", "VOLUME", "EXPOSE", "USER", "WORKDIR", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD":
			declared = append(declared, declarations(instruction, rest)...)
		case "ARG":
		default: // of a base
			steps = append(steps, text)
		}
	}
	slices.Sort(declared)
	return append(steps, slices.Compact(declared)...)
}

var (
	runArgs = regexp.MustCompile(`^\|\d+ (?:(?:(?:TARGET|BUILD)\w+|NEWLINE)=(?:[\w/]+|\n)? )+`)
	// What a spec says beside a command, a Dockerfile says in it.
	exports = regexp.MustCompile(`^(?:export \w+="(?:[^"\\]|\\.)*"; )+`)
	cleanUp = regexp.MustCompile(`(?: &&|;)? rm -rf(?: /(?:var|etc|usr)/\S+)+ *$`)
	spaces  = regexp.MustCompile(`\s+`)
	// A Dockerfile has all of a package step, and the history of a direct build what a person would type.
	oldIndexes = regexp.MustCompile(`^ *(?:for entry in .*? esac; done|rm -rf /var/lib/apt/lists.*?); `)
	indexes    = regexp.MustCompile(`failed=''; \{ warnings=.*?exit 1; fi; `)
	checks     = regexp.MustCompile(`; missing=''; .*$`)
	toRemove   = regexp.MustCompile(`(?:missing=''; query\(\) .*?)?has\(\) \{.*?exit 1; fi; `)
	removed    = regexp.MustCompile(`; for name in [^;]*; do if has .*?exit 1; fi`)
)

// command is what a RUN ran, without what it ran in.
func command(text string) string {
	var words []string
	if json.Unmarshal([]byte(text), &words) == nil {
		text = strings.Join(words, " ")
	}
	text = runArgs.ReplaceAllString(text, "")
	for _, prefix := range []string{"/bin/sh -c ", "set -eu; ", "/bin/sh -euc "} {
		text = strings.TrimPrefix(text, prefix)
	}
	text = exports.ReplaceAllString(text, "")
	text = strings.ReplaceAll(spaces.ReplaceAllString(text, " "), " && ", " ")
	text = strings.TrimPrefix(strings.TrimSpace(text), "export DEBIAN_FRONTEND=noninteractive; ")
	text = indexes.ReplaceAllString(text, "apt-get update ")
	text = removed.ReplaceAllString(toRemove.ReplaceAllString(oldIndexes.ReplaceAllString(text, ""), ""), "")
	text = cleanUp.ReplaceAllString(checks.ReplaceAllString(text, ""), "")
	return strings.TrimSpace(strings.ReplaceAll(text, "; ", " "))
}

// declarations are the names of what an instruction declares. The values, the configs say.
func declarations(instruction, rest string) []string {
	switch {
	case rest == "[]", instruction == "HEALTHCHECK" && (rest == "NONE" || strings.Contains(rest, "[NONE]")): // that nothing is inherited goes without saying in a spec
		return nil
	case instruction == "USER", instruction == "WORKDIR": // most are for the length of a command, and the configs have the others
		return nil
	}
	return []string{instruction}
}

// What every other test here relies on.
func TestCompare(t *testing.T) {
	source := &family.Image{Name: "i", Config: family.Config{WorkDir: "/made"}, Steps: []family.Step{
		family.Files{Files: []family.File{{Path: "/tmp/deep/tool"}, {Path: "/tmp/deep/sub/more"}}},
	}}
	like := func(change func(*image)) image {
		img := image{Tree: map[string]string{"/file": "file 0644 0:0 sha256:x", "/dir": "directory 0755 0:0", "/link": "link 0:0 file",
			"/tmp": "directory 1777 0:0", "/tmp/deep": "directory 0700 0:0", "/tmp/deep/sub": "directory 0700 0:0"}}
		img.Config.Config.Env = []string{"A=b"}
		img.Config.History = []ocispec.History{{CreatedBy: "RUN one"}, {CreatedBy: "COPY x"}, {CreatedBy: `CMD ["a"]`}}
		change(&img)
		return img
	}
	plain := like(func(*image) {})
	for name, test := range map[string]struct {
		change func(*image)
		seen   bool
	}{
		"nothing":                   {func(*image) {}, false},
		"content":                   {func(i *image) { i.Tree["/file"] = "file 0644 0:0 sha256:y" }, true},
		"a mode":                    {func(i *image) { i.Tree["/file"] = "file 0600 0:0 sha256:x" }, true},
		"an owner":                  {func(i *image) { i.Tree["/file"] = "file 0644 1:0 sha256:x" }, true},
		"an extended attribute":     {func(i *image) { i.Tree["/file"] += ` user.a="b"` }, true},
		"a directory's mode":        {func(i *image) { i.Tree["/dir"] = "directory 0700 0:0" }, true},
		"a directory of the system": {func(i *image) { i.Tree["/tmp"] = "directory 0755 0:0" }, true},
		"where a COPY goes":         {func(i *image) { i.Tree["/tmp/deep"] = "directory 0755 0:0" }, true},
		"what is below that":        {func(i *image) { i.Tree["/tmp/deep/sub"] = "directory 0755 0:0" }, false},
		"below that, another mode":  {func(i *image) { i.Tree["/tmp/deep/sub"] = "directory 0777 0:0" }, true},
		"a target":                  {func(i *image) { i.Tree["/link"] = "link 0:0 dir" }, true},
		"a file less":               {func(i *image) { delete(i.Tree, "/file") }, true},
		"a directory more":          {func(i *image) { i.Tree["/new"] = "directory 0755 0:0" }, true},
		"the working directory":     {func(i *image) { i.Tree["/made"] = "directory 0755 0:0" }, false},
		"a database":                {func(i *image) { i.Tree["/var/lib/rpm/x"] = "file 0644 0:0 sha256:y" }, true}, // the other way has none
		"a variable":                {func(i *image) { i.Config.Config.Env = []string{"A=c"} }, true},
		"a health check":            {func(i *image) { i.Config.Config.Healthcheck = &dockerspec.HealthcheckConfig{Test: []string{"x"}} }, true},
		"that there is no check":    {func(i *image) { i.Config.Config.Healthcheck = &dockerspec.HealthcheckConfig{Test: []string{"NONE"}} }, true},
		"an author":                 {func(i *image) { i.Config.Author = "me" }, true},
		"another command":           {func(i *image) { i.Config.History[0].CreatedBy = "RUN /bin/sh -c set -eu; two # buildkit" }, true},
		"a command, in other words": {func(i *image) { i.Config.History[0].CreatedBy = "RUN /bin/sh -c set -eu; one # buildkit" }, false},
		"one COPY more for a step": {func(i *image) {
			i.Config.History = slices.Insert(i.Config.History, 1, ocispec.History{CreatedBy: "COPY y # buildkit"})
		}, false},
		"a declaration less": {func(i *image) { i.Config.History = i.Config.History[:2] }, true},
		"that nothing is started": {func(i *image) {
			i.Config.History = append(i.Config.History, ocispec.History{CreatedBy: "ENTRYPOINT []"})
		}, false},
	} {
		if differences := unlike(source, plain, like(test.change)); (len(differences) > 0) != test.seen {
			t.Errorf("%s: %q", name, differences)
		}
	}
}
