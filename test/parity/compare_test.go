package parity

import (
	"encoding/json"
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
)

// compare complains about every difference between an image that was built directly and the one of its Dockerfile that is not allowed.
func compare(t *testing.T, source *family.Image, direct, built image) {
	t.Helper()
	compareTrees(t, source, direct.tree, built.tree)
	if diff := cmp.Diff(settings(direct.config), settings(built.config), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: config (-direct +Dockerfile):\n%s", source.Name, diff)
	}
	if diff := cmp.Diff(story(direct.config.History), story(built.config.History)); diff != "" {
		t.Errorf("%s: what the history tells (-direct +Dockerfile):\n%s", source.Name, diff)
	}
}

func compareTrees(t *testing.T, source *family.Image, direct, built map[string]string) {
	t.Helper()
	all := maps.Clone(direct)
	maps.Copy(all, built)
	shown := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if direct[name] == built[name] || treeAllowed(source, name, direct[name], built[name]) {
			continue
		}
		if shown++; shown <= 20 {
			t.Errorf("%s: %s\n  direct:     %s\n  Dockerfile: %s", source.Name, name, direct[name], built[name])
		}
	}
	if shown > 20 {
		t.Errorf("%s: and %d more files differ", source.Name, shown-20)
	}
}

// settings are what a config says, other than times, layers and history, and what the list of differences leaves out.
func settings(c dockerspec.DockerOCIImage) any {
	for _, d := range configDifferences {
		d.leaveOut(&c.Config)
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
		case "LABEL", "ENV", "VOLUME", "EXPOSE", "USER", "WORKDIR", "ENTRYPOINT", "CMD":
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
	runArgs = regexp.MustCompile(`^\|\d+ (?:(?:TARGETARCH|NEWLINE)=(?:\w+|\n) )+`)
	cleanUp = regexp.MustCompile(`(?: &&|;)? rm -rf(?: /(?:var|etc)/\S+)+ *$`)
	spaces  = regexp.MustCompile(`\s+`)
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
	text = strings.ReplaceAll(text, "export DEBIAN_FRONTEND=noninteractive && ", "")
	text = strings.ReplaceAll(spaces.ReplaceAllString(text, " "), " && ", " ")
	return strings.TrimSpace(cleanUp.ReplaceAllString(text, ""))
}

// declarations are the names of what an instruction declares. The values, the configs say.
func declarations(instruction, rest string) []string {
	switch {
	case rest == "[]": // that nothing is inherited goes without saying in a spec
		return nil
	case instruction == "USER" && rest == "root", instruction == "WORKDIR" && rest == "/": // for the length of the commands
		return nil
	}
	return []string{instruction}
}
