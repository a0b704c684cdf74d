package parity

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A difference between the two ways that is allowed, in the file trees.
type difference struct {
	reason string
	is     func(in image, source *family.Image, name, direct, built string) bool
}

var databases = regexp.MustCompile(`^/var/lib/(rpm|dnf|dpkg|apt)/|^/etc/ld\.so\.cache$|^/var/cache/(ldconfig|debconf)/`)

var differences = []difference{
	{
		"A package manager's database holds the time of each installation, and the two ways install one after the other.",
		func(_ image, _ *family.Image, name, direct, built string) bool {
			return databases.MatchString(name) && strings.HasPrefix(direct, "file") && strings.HasPrefix(built, "file")
		},
	},
	{
		"WORKDIR makes the directory when the image lacks it, and a Dockerfile has no other way to name one. Directly, only the container's runtime makes it.",
		func(in image, source *family.Image, name, direct, built string) bool {
			for i := source; i != nil; i = i.Parent {
				if direct == "" && strings.HasPrefix(in.Resolve(i.Config.WorkDir)+"/", name+"/") {
					return strings.HasPrefix(built, "directory")
				}
			}
			return false
		},
	},
	{
		"A COPY of a folder leaves its destination alone, and makes the directories below it that the image has into ones of root with mode 0755. To leave these alone too would take a COPY for each.",
		func(in image, source *family.Image, name, direct, built string) bool {
			return strings.HasPrefix(direct, "directory") && built == "directory 0755 0:0" && !systems(path.Dir(name)) && copiesBelow(in, source, name)
		},
	},
}

// systems reports whether a directory is one that systems usually have themselves: /tmp, /usr/lib, /usr/local/bin, /etc/x. No COPY has a
// destination above these, so what is right below them is a destination at the most.
func systems(dir string) bool {
	depth := 1
	switch {
	case strings.HasPrefix(dir, "/usr/local/"):
		depth = 3
	case strings.HasPrefix(dir, "/usr/"), strings.HasPrefix(dir, "/var/"), strings.HasPrefix(dir, "/etc/"):
		depth = 2
	}
	return strings.Count(dir, "/") <= depth
}

// copiesBelow reports whether a step of an image, or of one that it is based on, copies files into a directory.
func copiesBelow(in image, source *family.Image, dir string) bool {
	for ; source != nil; source = source.Parent {
		for _, step := range source.Steps {
			files, ok := step.(family.Files)
			if ok && slices.ContainsFunc(files.Files, func(f family.File) bool { return strings.HasPrefix(in.Resolve(path.Dir(f.Path))+"/", dir+"/") }) {
				return true
			}
		}
	}
	return false
}

// A configDifference is one in the configs.
type configDifference struct {
	reason   string
	leaveOut func(c *dockerspec.DockerOCIImageConfig, source *family.Image)
}

var configDifferences = []configDifference{
	{
		"The frontend says WORKDIR / where nothing says anything, which is what nothing means.",
		func(c *dockerspec.DockerOCIImageConfig, _ *family.Image) {
			if c.WorkingDir == "/" {
				c.WorkingDir = ""
			}
		},
	},
	{
		"HEALTHCHECK NONE is how a Dockerfile takes away a base's health check where a start is in its way. Where a spec says none, both ways say it.",
		func(c *dockerspec.DockerOCIImageConfig, source *family.Image) {
			for source.Parent != nil && source.Config.Healthcheck == nil && !source.Config.NoHealthcheck {
				source = source.Parent
			}
			if source.Config.NoHealthcheck && cmp.Equal(c.Healthcheck, &dockerspec.HealthcheckConfig{Test: []string{"NONE"}}) {
				c.Healthcheck = nil
			}
		},
	},
	{
		"CMD sets it, and it means something on Windows only.",
		func(c *dockerspec.DockerOCIImageConfig, _ *family.Image) {
			//lint:ignore SA1019 deprecated, and there all the same
			c.ArgsEscaped = false
		},
	},
}

func treeAllowed(in image, source *family.Image, name, direct, built string) bool {
	return slices.ContainsFunc(differences, func(d difference) bool { return d.is(in, source, name, direct, built) })
}
