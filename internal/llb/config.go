package llb

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

// DefaultPath is the PATH of images that start from scratch, as docker has it.
// https://github.com/moby/moby/blob/master/daemon/pkg/oci/defaults.go
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// comment marks the history entries of this program.
const comment = "pulpimg"

// Config returns the config that an engine gives the solve target, as JSON; the engine adds the digests of the layers.
// https://github.com/opencontainers/image-spec/blob/main/config.md
func (t *SolveTarget) Config() ([]byte, error) {
	data, err := json.Marshal(t.config)
	if err != nil {
		return nil, fmt.Errorf("compiling the config of %s: %w", t.name, err)
	}
	return data, nil
}

// ErrMissingLayers reports that an engine made a solve target without all layers of its base: its cache is damaged.
var ErrMissingLayers = errors.New("the engine returned it without all layers of its base")

// BaseConfig returns what the config of the solve target is if the target is nothing but its base.
func (i Image) BaseConfig() dockerspec.DockerOCIImage {
	config := i.target.config
	config.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: slices.Clone(i.below)}
	return config
}

// Config returns the image's config; solved is the config of the image's solve target as the engine exported it, whose layers and
// history it takes over. It is an error when the target lacks layers of its base.
func (i Image) Config(solved dockerspec.DockerOCIImage) (dockerspec.DockerOCIImage, error) {
	made := solved.RootFS.DiffIDs
	if len(made) < len(i.below) || !slices.Equal(made[:len(i.below)], i.below) {
		return dockerspec.DockerOCIImage{}, ErrMissingLayers
	}
	config := i.config
	config.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: slices.Clone(made)}
	for _, l := range i.appended {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.DiffID)
	}
	config.History = append(slices.Clone(solved.History), i.config.History[len(i.target.config.History):]...)
	return config, nil
}

// onBase returns the config that an image starts from: the config of its base, without the author, time and triggers of the base.
func onBase(config dockerspec.DockerOCIImage, platform ocispec.Platform, opts Options) dockerspec.DockerOCIImage {
	config.History = fullHistory(config, opts.Created)
	config.Platform = platform
	config.Created = &opts.Created
	config.Author = ""
	config.RootFS = ocispec.RootFS{Type: "layers"}
	config.Config.OnBuild = nil
	if len(config.Config.Env) == 0 {
		config.Config.Env = []string{"PATH=" + DefaultPath}
	}
	return config
}

// fullHistory returns the history of a base with an entry for each of its layers, and a time in each entry. Builders leave some out, and an
// engine would fill in when it pulled the base.
// https://github.com/moby/buildkit/blob/v0.34.2/exporter/containerimage/writer.go (normalizeLayersAndHistory)
func fullHistory(base dockerspec.DockerOCIImage, created time.Time) []ocispec.History {
	missing := len(base.RootFS.DiffIDs)
	if base.Created != nil {
		created = *base.Created
	}
	var out []ocispec.History
	for _, entry := range base.History {
		if !entry.EmptyLayer {
			if missing == 0 {
				entry.EmptyLayer = true
			} else {
				missing--
			}
		}
		if entry.Created == nil {
			entry.Created = &created
		}
		out = append(out, entry)
	}
	for range missing {
		out = append(out, ocispec.History{Created: &created, Comment: comment})
	}
	return out
}

// A ConfigError reports that an image's declarations contradict the config of what the image is based on.
type ConfigError struct {
	Image *family.Image
	// At is the place of the declaration in the spec.
	At      spec.Range
	Problem string
	// Hint says what to do about it.
	Hint string
}

func (e *ConfigError) Error() string { return e.Image.Name + ": " + e.Problem }

// declare returns a config with what an image declares. It shares no memory with the given config.
func declare(config dockerspec.DockerOCIImage, image *family.Image, opts Options) (dockerspec.DockerOCIImage, error) {
	add := image.Config
	env, err := withEnv(config.Config.Env, add.Env, image)
	if err != nil {
		return config, err
	}
	c := &config.Config
	c.Labels = merged(c.Labels, add.Labels)
	c.Volumes = union(c.Volumes, add.Volumes)
	c.ExposedPorts = union(c.ExposedPorts, add.Ports)
	c.Env = env
	if add.StopSignal != "" {
		c.StopSignal = add.StopSignal
	}
	if add.NoHealthcheck {
		c.Healthcheck = nil
	}
	if add.Healthcheck != nil {
		c.Healthcheck = healthcheck(*add.Healthcheck)
	}
	if add.User != "" {
		c.User = add.User
	}
	if add.WorkDir != "" {
		c.WorkingDir = add.WorkDir
	}
	if err := checkStart(image, c.User); err != nil {
		return config, err
	}
	c.Entrypoint = slices.Clone(add.Entrypoint)
	c.Cmd = slices.Clone(add.Command)
	config.History = append(slices.Clip(config.History), declared(add, opts.Created)...)
	return config, nil
}

func merged(below, add map[string]string) map[string]string {
	if len(below)+len(add) == 0 {
		return nil
	}
	out := maps.Clone(below)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, add)
	return out
}

func union(below map[string]struct{}, add []string) map[string]struct{} {
	if len(below)+len(add) == 0 {
		return nil
	}
	out := maps.Clone(below)
	if out == nil {
		out = map[string]struct{}{}
	}
	for _, name := range add {
		out[name] = struct{}{}
	}
	return out
}

// basedOn names what an image is based on.
func basedOn(image *family.Image) string {
	if image.Parent != nil {
		return image.Parent.Name
	}
	return image.Base
}

// checkStart returns an error when a container that begins as the user of the config cannot become the user of the image's start.
func checkStart(image *family.Image, user string) error {
	if image.Start == nil || family.CanBecome(user, image.Start.User) {
		return nil
	}
	return &ConfigError{
		Image: image, At: image.Steps[len(image.Steps)-1].At(), Hint: "add user: root to " + image.Name + ", so that it begins as root",
		Problem: fmt.Sprintf("its containers begin as the user %s of %s, who cannot become %s", user, basedOn(image), image.Start.User),
	}
}

// withEnv returns an environment with variables that an image adds. They are added in order: the value of each can name those before it.
func withEnv(below []string, add []family.EnvVar, image *family.Image) ([]string, error) {
	out := slices.Clone(below)
	for _, v := range add {
		value, err := expand(out, v, image)
		if err != nil {
			return nil, err
		}
		assignment := v.Name + "=" + value
		if at := indexOf(out, v.Name); at >= 0 {
			out[at] = assignment
		} else {
			out = append(out, assignment)
		}
	}
	return out, nil
}

// indexOf returns the index of a variable in an environment, or -1.
func indexOf(env []string, name string) int {
	return slices.IndexFunc(env, func(s string) bool { return strings.HasPrefix(s, name+"=") })
}

// expand returns the value that a variable has in an environment of an image.
func expand(env []string, v family.EnvVar, image *family.Image) (string, error) {
	known := contract.NewEnvironment(contract.Contract{}, func(name string) string {
		if at := indexOf(env, name); at >= 0 {
			return strings.TrimPrefix(env[at], name+"=")
		}
		return ""
	})
	value, err := known.Expand(v.Value)
	var missing *contract.MissingError
	switch {
	case errors.As(err, &missing):
		return "", &ConfigError{
			Image: image, At: v.At, Hint: "leave out ${" + missing.Variable + "}, or give it a value in env above",
			Problem: fmt.Sprintf("%s names the variable %s, which has no value in %s", v.Name, missing.Variable, basedOn(image)),
		}
	case err != nil:
		return "", &ConfigError{Image: image, At: v.At, Problem: fmt.Sprintf("the value of %s: %v", v.Name, err)}
	}
	return value.Text, nil
}

// historyOf returns the history entry of a step.
func historyOf(step family.Step, created time.Time) ocispec.History {
	return ocispec.History{Created: &created, CreatedBy: createdBy(step), Comment: comment}
}

// createdBy describes a step in the words of a Dockerfile.
func createdBy(step family.Step) string {
	switch s := step.(type) {
	case family.Fetch:
		return fmt.Sprintf("ADD %s %s", s.URL, s.Path)
	case family.Packages:
		if install, err := packages.For(s); err == nil {
			return "RUN " + install.Install
		}
	case family.Run:
		if len(s.Args) > 0 {
			return "RUN " + list(s.Args)
		}
		return "RUN " + s.Script
	case family.Directories:
		return "COPY # " + s.Title()
	case family.Files:
		return strings.Join(append([]string{"COPY"}, paths(s.Files)...), " ") + " # " + s.Title()
	}
	return step.Title()
}

// manyPaths is how many paths a history entry names before it only counts them.
const manyPaths = 5

func paths(files []family.File) []string {
	if len(files) > manyPaths {
		return []string{files[0].Path, fmt.Sprintf("and %d more", len(files)-1)}
	}
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Path
	}
	return out
}

// declared returns the history entries of what an image declares. None of them has a layer.
func declared(c family.Config, created time.Time) []ocispec.History {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		lines = append(lines, fmt.Sprintf("LABEL %s=%q", name, c.Labels[name]))
	}
	lines = append(lines, envLines(c.Env)...)
	for _, value := range []struct{ instruction, text string }{
		{"USER", c.User}, {"WORKDIR", c.WorkDir}, {"VOLUME", list(c.Volumes)}, {"EXPOSE", strings.Join(c.Ports, " ")},
		{"STOPSIGNAL", c.StopSignal}, {"HEALTHCHECK", checkedBy(c.Healthcheck)}, {"ENTRYPOINT", list(c.Entrypoint)}, {"CMD", list(c.Command)},
	} {
		if value.text != "" {
			lines = append(lines, value.instruction+" "+value.text)
		}
	}
	return emptyLayers(lines, created)
}

// envLines describes variables in the words of a Dockerfile.
func envLines(vars []family.EnvVar) []string {
	lines := make([]string, len(vars))
	for i, v := range vars {
		lines[i] = fmt.Sprintf("ENV %s=%q", v.Name, v.Value)
	}
	return lines
}

// emptyLayers returns history entries without a layer.
func emptyLayers(lines []string, created time.Time) []ocispec.History {
	out := make([]ocispec.History, len(lines))
	for i, line := range lines {
		out[i] = ocispec.History{Created: &created, CreatedBy: line, Comment: comment, EmptyLayer: true}
	}
	return out
}

// list writes a list of words as a Dockerfile does, or nothing for an empty list.
func list(words []string) string {
	if len(words) == 0 {
		return ""
	}
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = fmt.Sprintf("%q", word)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
