package container

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// Options say how to start a container, besides what the spec says.
type Options struct {
	// Tool is the program: docker or podman. A command that is to be run needs one.
	Tool string
	// Reference is the image. A command that is to be run needs one.
	Reference string
	// Name is the name of the container; that of the image, if it is empty.
	Name string
	// Hostname is the container's hostname; its name, if it is empty. Otherwise, all containers on the network of the host would have the
	// host's name, and so would services that name themselves after it. On the network of another container, it is that container's.
	Hostname string
	// Network and Restart are passed on to the tool, if they are not empty.
	Network, Restart string
	// Publish are ports, HOST:CONTAINER, that are passed on to the tool. If there are none, the ports of the image are published as themselves at
	// Address, or else at 127.0.0.1, where only this machine reaches them.
	Publish []string
	Address string
	// Detach leaves the container in the background. One in the foreground is removed when it ends, unless it is to be restarted: docker
	// and podman refuse both together.
	Detach bool
	// Volumes are passed on to the tool. One at or above a path that the image requires replaces the volume, socket or secret there.
	Volumes []string
	// Secrets are the files of secrets on the machine that the container runs on, absolute paths, by id.
	Secrets map[string]string
	// Values are those of environment variables, by name. The others have their defaults.
	Values map[string]string
	// Args are appended to the command of the image.
	Args []string
}

// A Command starts a container.
type Command struct {
	// Args is the command line. It shows no secret.
	Args []string
	// Env is what has to be in the environment of the command: the values of the secret variables.
	Env []string
}

// String returns the command line for a shell.
func (c Command) String() string { return shell.Words(c.Args) }

// A RestartError says that a container that runs once would be started again after it has done its work.
type RestartError struct {
	Image string
	Kind  family.Kind
	// Policy is what was asked for.
	Policy string
}

func (e *RestartError) Error() string {
	return fmt.Sprintf("%s is a %s, which runs once: restarted %s, it would run again when it has done its work", e.Image, e.Kind, e.Policy)
}

// New returns the command that starts an image of a family. Variables without a value, and secrets without a file, are a [family.MissingError]; a policy that does not fit
// a job is a [RestartError].
func New(f *family.Family, image *family.Image, o Options) (Command, error) {
	has := func(name string) bool { return o.Values[name] != "" }
	mounted := func(s family.Secret) bool { return o.Secrets[s.ID] != "" || covered(o.Volumes, s.Path) }
	if err := family.CheckValues([]*family.Image{image}, has, mounted); err != nil {
		return Command{}, err
	}
	if again := o.Restart == "always" || o.Restart == "unless-stopped"; again && image.Workload.RunsOnce() {
		return Command{}, &RestartError{Image: image.Name, Kind: image.Workload.Kind, Policy: o.Restart}
	}
	c := Command{Args: []string{o.Tool, "run"}}
	add := func(option, value string) {
		if value != "" {
			c.Args = append(c.Args, option, value)
		}
	}
	switch {
	case o.Detach:
		c.Args = append(c.Args, "-d")
	case o.Restart == "" || o.Restart == "no":
		c.Args = append(c.Args, "--rm")
	}
	name := cmp.Or(o.Name, image.Name)
	hostname := o.Hostname
	if hostname == "" && !joinsContainer(o.Network) {
		hostname = family.Hostname(name)
	}
	add("--name", name)
	add("--hostname", hostname)
	add("--network", o.Network)
	add("--restart", o.Restart)
	add("--stop-timeout", strconv.FormatInt(int64(image.Workload.Grace/time.Second), 10))
	if limit := image.Workload.MemoryLimit(); limit > 0 {
		add("--memory", strconv.FormatInt(limit, 10))
	}
	add("--cpus", image.Workload.ProcessorLimit())
	// As in Kubernetes and with Compose: what runs here must not fail there.
	add("--cap-drop", "ALL")
	for _, name := range image.Workload.Capabilities {
		add("--cap-add", name)
	}
	add("--security-opt", "no-new-privileges")
	add("--sysctl", sysctl(image, o.Network))
	c.Args = append(c.Args, health(image.Workload, o.Tool)...)
	for _, port := range published(image.Workload, o) {
		add("-p", port)
	}
	for _, v := range slices.Concat(mounts(f, image, o.Volumes), o.Volumes) {
		add("-v", v)
	}
	for _, s := range image.Workload.Secrets {
		if !covered(o.Volumes, s.Path) {
			add("--mount", fields("type=bind", "source="+o.Secrets[s.ID], "target="+s.Path, "readonly"))
		}
	}
	c.environment(f, o.Values)
	c.Args = append(append(c.Args, o.Reference), o.Args...)
	return c, nil
}

// joinsContainer reports whether a container has the network of another one. Docker refuses to give it a hostname: it has the other's.
// https://docs.docker.com/engine/network/#container-networks
func joinsContainer(network string) bool { return strings.HasPrefix(network, "container:") }

// mounts returns the volumes of an image that are not among those given: the host's sockets that it requires, and its share of what
// the family keeps.
func mounts(f *family.Family, image *family.Image, given []string) []string {
	var out []string
	add := func(source, target string) {
		if !covered(given, target) {
			out = append(out, source+":"+target)
		}
	}
	for _, s := range image.Workload.Sockets {
		add(s, s)
	}
	for _, v := range image.Workload.Volumes {
		add(f.Name+"-"+v.Name, v.Path)
	}
	return out
}

// covered reports whether one of some volumes is at a path in the container or above it.
func covered(volumes []string, path string) bool {
	return slices.ContainsFunc(volumes, func(v string) bool { return Covers(v, path) })
}

// fields writes the value of an option that is a line of CSV. Unlike "-v", "--mount" makes no directory of a file that is missing.
// https://docs.docker.com/engine/storage/bind-mounts/#options-for---mount
func fields(values ...string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(values) // a strings.Builder takes all
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// Covers reports whether a volume is at a path in the container or above it.
func Covers(volume, path string) bool {
	target := Target(volume)
	return path == target || strings.HasPrefix(path, target+"/")
}

// Target returns where in the container a volume is that is written as SOURCE:TARGET[:OPTIONS], or as TARGET.
// https://docs.docker.com/engine/storage/volumes/#syntax
func Target(volume string) string {
	parts := strings.Split(volume, ":")
	if len(parts) == 1 {
		return strings.TrimSuffix(parts[0], "/")
	}
	return strings.TrimSuffix(parts[1], "/")
}

// environment adds the variables, in alphabetical order. The value of a secret goes by the environment of the tool: every user of a
// machine may read command lines.
func (c *Command) environment(f *family.Family, values map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !f.IsSecret(name) {
			c.Args = append(c.Args, "-e", name+"="+values[name])
			continue
		}
		c.Args = append(c.Args, "-e", name)
		c.Env = append(c.Env, name+"="+values[name])
	}
}
