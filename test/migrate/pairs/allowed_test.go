package pairs

import (
	"path"
	"regexp"
	"slices"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/test/images"
)

// A difference between an image of a spec and that of a Dockerfile that is allowed, in the file trees.
type difference struct {
	reason string
	is     func(source *family.Image, dockerfile images.Image, name, is, should string) bool
}

var databases = regexp.MustCompile(`^/var/lib/(rpm|dnf|dpkg|apt)/|^/etc/ld\.so\.cache$|^/var/cache/(ldconfig|debconf)/`)

var leftovers = regexp.MustCompile(`^/var/lib/rpm/(\.rpm\.lock|rpmdb\.sqlite-(shm|wal))$`)

var differences = []difference{
	{
		"A package manager's database holds the time of each installation, and the two ways install one after the other.",
		func(_ *family.Image, _ images.Image, name, is, should string) bool {
			return databases.MatchString(name) && strings.HasPrefix(is, "file") && strings.HasPrefix(should, "file")
		},
	},
	{
		"A package step removes what its package manager needs for the next run only. A Dockerfile has to name all of it.",
		func(_ *family.Image, _ images.Image, name, is, _ string) bool {
			return is == "" && leftovers.MatchString(name)
		},
	},
	{
		"A directory that a COPY --from makes is of root and has mode 0755, whatever it was. That of a spec is as in the image that it comes from.",
		func(source *family.Image, _ images.Image, name, is, should string) bool {
			return strings.HasPrefix(is, "directory") && should == "directory 0755 0:0" && isDestination(source, name)
		},
	},
	{
		"COPY --chown gives away the directories too that it makes. In a spec they are of root, and a directory step gives them to somebody.",
		func(source *family.Image, _ images.Image, name, is, should string) bool {
			return is == "directory 0755 0:0" && strings.HasPrefix(should, "directory 0755") && madeForOwned(source, name)
		},
	},
	{
		"COPY --chmod sets the mode of the directories too that it makes, also one that nobody can enter.",
		func(_ *family.Image, dockerfile images.Image, name, is, should string) bool {
			return is == "directory 0755 0:0" && strings.HasPrefix(should, "directory") && !strings.HasPrefix(should, "directory 0755") && onlyFilesOfThatMode(dockerfile, name)
		},
	},
	{
		"WORKDIR makes the directory when the image lacks it. From a spec without a command that runs there, only the container's runtime makes it.",
		func(source *family.Image, dockerfile images.Image, name, is, should string) bool {
			for i := source; i != nil && is == ""; i = i.Parent {
				if strings.HasPrefix(dockerfile.Resolve(i.Config.WorkDir)+"/", name+"/") {
					return strings.HasPrefix(should, "directory")
				}
			}
			return false
		},
	},
}

// A configDifference is one in the configs.
type configDifference struct {
	reason   string
	leaveOut func(c *dockerspec.DockerOCIImageConfig)
}

var configDifferences = []configDifference{
	{
		"The frontend says WORKDIR / where nothing says anything, which is what nothing means.",
		func(c *dockerspec.DockerOCIImageConfig) {
			if c.WorkingDir == "/" {
				c.WorkingDir = ""
			}
		},
	},
	{
		"A spec sets the variables of an image first, and a Dockerfile where each of them stands. Nothing depends on their order.",
		func(c *dockerspec.DockerOCIImageConfig) { slices.Sort(c.Env) },
	},
	{
		"CMD sets it, and it means something on Windows only.",
		func(c *dockerspec.DockerOCIImageConfig) {
			//lint:ignore SA1019 deprecated, and there all the same
			c.ArgsEscaped = false
		},
	},
}

// isDestination reports whether an image, or one that it is based on, copies files of an image to a directory.
func isDestination(source *family.Image, name string) bool {
	for ; source != nil; source = source.Parent {
		for _, step := range source.Steps {
			files, ok := step.(family.Files)
			if ok && slices.ContainsFunc(files.Copies, func(c family.Copy) bool { return c.To == name && !c.Into }) {
				return true
			}
		}
	}
	return false
}

// madeForOwned reports whether an image, or one that it is based on, copies files with an owner into a directory.
func madeForOwned(source *family.Image, name string) bool {
	for ; source != nil; source = source.Parent {
		for _, step := range source.Steps {
			files, ok := step.(family.Files)
			if ok && (slices.ContainsFunc(files.Copies, func(c family.Copy) bool { return c.Owner != "" && c.Into && c.To == name }) ||
				slices.ContainsFunc(files.Files, func(f family.File) bool { return f.Owner != "" && path.Dir(f.Path) == name })) {
				return true
			}
		}
	}
	return false
}

// onlyFilesOfThatMode reports whether all files in a directory have its mode.
func onlyFilesOfThatMode(in images.Image, dir string) bool {
	mode := strings.Fields(in.Tree[dir])[1]
	for name, is := range in.Tree {
		if path.Dir(name) == dir && !strings.HasPrefix(is, "file "+mode) {
			return false
		}
	}
	return true
}

func allowed(source *family.Image, dockerfile images.Image, name, is, should string) bool {
	return slices.ContainsFunc(differences, func(d difference) bool { return d.is(source, dockerfile, name, is, should) })
}
