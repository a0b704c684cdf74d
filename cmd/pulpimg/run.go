package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/internal/export"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/container"
)

// publishVariable names the address at which ports are published, as in Compose files.
const publishVariable = "PULPIMG_PUBLISH"

// A runCommand is the flags of `pulpimg run`.
type runCommand struct {
	console  console
	source   source
	values   values
	secrets  secretFiles
	registry registryFlags
	options  container.Options
	print    bool

	lastBuild bool
}

func newRun(con console) *cobra.Command {
	c := &runCommand{console: con}
	cmd := &cobra.Command{
		Use:   "run IMAGE [-- ARGS...]",
		Short: "Start a container of an image with docker or podman",
		Long: "Start a container of an image with docker or podman, whichever answers, with all that the spec says it needs. Variables of the spec\n" +
			"that are set in this environment are passed on, but not HOME, USER and the like. Its ports are published at 127.0.0.1. The image is that of the last build or\n" +
			"push; one that was only built is loaded first.",
		Example: "  pulpimg run -f specs/pulp.yaml pulp-beat -d \\\n    -e PULP_SERVER_NAME=pulp.example.com -e SERVICE_HOST=10.245.2.2\n" +
			"  pulpimg run -f specs/pulp.yaml pulp-worker -d --name pulp-worker-2 \\\n    --env-file pulp.env -- --loglevel=DEBUG\n" +
			"  pulpimg run -f specs/pulp.yaml pulp-beat --env-file pulp.env --print",
		Args:              usageArgs(oneImage),
		RunE:              func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args[0], args[1:]) },
		ValidArgsFunction: completeImage,
	}
	flags := cmd.Flags()
	c.source.flags(flags)
	c.values.flags(flags)
	c.secrets.flag(flags, "mount this file where the spec has the secret `ID`")
	c.registry.flags(flags)
	flags.StringVar(&c.options.Tool, "with", "", "start it with docker or podman (`TOOL`; default: whichever answers)")
	flags.BoolVarP(&c.options.Detach, "detach", "d", false, "leave the container in the background")
	flags.StringVar(&c.options.Name, "name", "", "call the container `NAME` (default: the image's name)")
	flags.StringVar(&c.options.Hostname, "hostname", "", "have the container take this `NAME` for its host's (default: the container's name)")
	flags.StringVar(&c.options.Network, "network", "", "connect the container to this `NETWORK`")
	flags.StringArrayVarP(&c.options.Publish, "publish", "p", nil, "let a port of the container be reached at one of this machine, `HOST:CONTAINER` (may be repeated; default: the image's ports at 127.0.0.1)")
	flags.StringVar(&c.options.Restart, "restart", "", "what to do when the container ends, such as always (`POLICY`)")
	flags.StringArrayVarP(&c.options.Volumes, "volume", "v", nil, "mount a volume, `SOURCE:TARGET`; one at a place where the spec wants something, or above it, takes its place (may be repeated)")
	flags.BoolVar(&c.lastBuild, "last-build", false, "start what was built last, also when the spec or its files changed since")
	flags.BoolVar(&c.print, "print", false, "only print the command line")
	return cmd
}

// oneImage wants the name of an image; the arguments of its command come behind "--".
func oneImage(cmd *cobra.Command, args []string) error {
	before := cmd.ArgsLenAtDash()
	if before < 0 {
		before = len(args)
	}
	switch {
	case before == 0:
		return errors.New("name the image to run")
	case before > 1:
		return fmt.Errorf("one image at a time: put the arguments of its command behind --, as in %s -- %s", args[0], args[1])
	}
	return nil
}

func (c *runCommand) run(ctx context.Context, name string, args []string) (err error) {
	if t := c.options.Tool; t != "" && t != "docker" && t != "podman" {
		return usageError{fmt.Errorf("--with %s: it is docker or podman", t)}
	}
	if err := c.registry.check(); err != nil {
		return err
	}
	f, image, err := c.image(ctx, name)
	if err != nil {
		return err
	}
	c.options.Args, c.options.Address = args, os.Getenv(publishVariable)
	if c.options.Values, err = c.valuesOf(f); err != nil {
		return err
	}
	if c.options.Secrets, err = c.secrets.absolute(f); err != nil {
		return err
	}
	if err := c.checkGiven(image); err != nil {
		return usageError{err}
	}
	// What is missing is said before any tool is asked.
	if _, err := container.New(f, image, c.options); err != nil {
		return withHint(f, err, "")
	}
	if err := c.findTool(ctx); err != nil {
		return err
	}
	local, err := c.local(ctx, f, image)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.from.Close()) }()
	if c.options.Reference, err = local.reference(ctx, c.options.Tool); err != nil {
		return err
	}
	command, err := container.New(f, image, c.options)
	if err != nil {
		return err
	}
	if c.print {
		_, err := fmt.Fprintln(c.console.out, command)
		noteUnset(c.console, command.Env)
		return err
	}
	if err := errors.Join(c.checkSockets(image), c.checkSecrets()); err != nil {
		return err
	}
	warnOfFiles(c.console, []*family.Image{image}, c.mounts)
	if err := local.load(ctx, c.console, c.options.Tool, c.options.Reference, &c.registry); err != nil {
		return err
	}
	return become(command)
}

// local returns the image as a build left it. The layout that it comes with is open.
func (c *runCommand) local(ctx context.Context, f *family.Family, image *family.Image) (localImage, error) {
	from, err := build.Cache{}.Layout(ctx, f)
	if err != nil {
		return localImage{}, err
	}
	moved := len(c.source.registries)+len(c.source.tags) > 0
	built, err := build.Cache{}.Find(ctx, f, from, image, build.Search{AnyInputs: c.lastBuild, ByReference: moved})
	if err != nil {
		return localImage{}, errors.Join(withBuildHint(f, err), from.Close())
	}
	return localImage{from: from, image: image, built: built}, nil
}

func (c *runCommand) image(ctx context.Context, name string) (*family.Family, *family.Image, error) {
	f, err := c.source.publishedFamily(ctx, c.console, []string{name})
	if err != nil {
		return nil, nil, err
	}
	images := f.Called(name)
	if len(images) > 1 {
		return nil, nil, usageError{fmt.Errorf("%s is %s: name one of them, such as %s", name, count(len(images), "image"), images[0].Name)}
	}
	image := images[0]
	if !image.Runs() {
		return nil, nil, usageError{fmt.Errorf("%s is not meant to be run: it has no start, no entrypoint and no command", name)}
	}
	return f, image, nil
}

// valuesOf returns the values of flags and files, and of this environment for what the spec declares and is not about this user.
func (c *runCommand) valuesOf(f *family.Family) (map[string]string, error) {
	given, err := c.values.read(f)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(given)
	for _, v := range f.Contract.Environment {
		_, isGiven := given[v.Name]
		value := os.Getenv(v.Name)
		if isGiven || value == "" || family.OfSession(v.Name) {
			continue
		}
		if err := checkValue(v.Name, value); err != nil {
			return nil, usageError{fmt.Errorf("of this environment: %w", err)}
		}
		out[v.Name] = value
	}
	return out, nil
}

// findTool finds the tool to start the container with. To print a command line, it does not have to answer.
func (c *runCommand) findTool(ctx context.Context) (err error) {
	if c.options.Tool != "" {
		return nil
	}
	if c.options.Tool, err = export.Tool(ctx); errors.Is(err, export.ErrNoStore) {
		if c.print {
			c.options.Tool, err = "docker", nil
		} else {
			err = errors.New("neither docker nor podman answers on this machine: start one, or see the command line with --print")
		}
	}
	return err
}

// checkSockets returns an error about sockets that this machine does not have and that nothing stands in for. A tool whose containers are on
// another machine knows better.
func (c *runCommand) checkSockets(image *family.Image) error {
	if mayBeElsewhere() {
		return nil
	}
	for _, socket := range image.Workload.Sockets {
		if c.mounts(socket) {
			continue
		}
		info, err := os.Stat(socket)
		if err != nil || info.Mode().Type() != os.ModeSocket {
			return usageError{fmt.Errorf("%s needs the socket %s, which this machine does not have: mount another one with -v SOCKET:%s", image.Name, socket, socket)}
		}
	}
	return nil
}

// checkSecrets returns an error about files of secrets that this machine does not have. A tool whose containers are on another machine knows better.
func (c *runCommand) checkSecrets() error {
	if mayBeElsewhere() {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(c.options.Secrets)) {
		file := c.options.Secrets[id]
		if _, err := os.Stat(file); err != nil {
			return usageError{fmt.Errorf("--secret id=%s: %w", id, err)}
		}
	}
	return nil
}

// checkGiven returns an error about a file that was given for a secret and that no container would have: the image has no such secret, or a volume
// takes its place.
func (c *runCommand) checkGiven(image *family.Image) error {
	has := "none"
	if ids := secretIDs(image); len(ids) > 0 {
		has = strings.Join(ids, ", ")
	}
	for _, id := range slices.Sorted(maps.Keys(c.options.Secrets)) {
		at := slices.IndexFunc(image.Workload.Secrets, func(s family.Secret) bool { return s.ID == id })
		if at < 0 {
			return fmt.Errorf("--secret id=%s: %s has no such secret: it has %s", id, image.Name, has)
		}
		path := image.Workload.Secrets[at].Path
		for _, v := range c.options.Volumes {
			if container.Covers(v, path) {
				return fmt.Errorf("--secret id=%s and -v %s are both for %s of %s: leave one of them out", id, v, path, image.Name)
			}
		}
	}
	return nil
}

func secretIDs(image *family.Image) []string {
	var out []string
	for _, s := range image.Workload.Secrets {
		out = append(out, s.ID)
	}
	return out
}

// noteUnset says which variables a printed command line takes from its environment that are not so in this one: those are secrets, whose values are on
// no command line.
func noteUnset(con console, env []string) {
	var names []string
	for _, assignment := range env {
		name, value, _ := strings.Cut(assignment, "=")
		if here, ok := os.LookupEnv(name); !ok || here != value {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		fmt.Fprintf(con.err, "set %s where this command is run: values of secrets are on no command line\n", strings.Join(names, ", "))
	}
}

// mayBeElsewhere reports whether the containers of a tool may be on another machine.
func mayBeElsewhere() bool {
	return remote(os.Getenv("DOCKER_HOST")) || remote(os.Getenv("CONTAINER_HOST"))
}

// remote reports whether the host of a tool, a URL or nothing, may be another machine.
func remote(host string) bool { return host != "" && !strings.HasPrefix(host, "unix://") }

// mounts reports whether a volume of the command line is at a path or above it.
func (c *runCommand) mounts(path string) bool {
	return slices.ContainsFunc(c.options.Volumes, func(v string) bool { return container.Covers(v, path) })
}

// become replaces this program by a command: then signals, the terminal and the exit code are the command's own.
func become(c container.Command) error {
	program, err := exec.LookPath(c.Args[0])
	if err != nil {
		return err
	}
	// Of two values for one name, programs take the first.
	return fmt.Errorf("running %s: %w", program, syscall.Exec(program, c.Args, append(c.Env, os.Environ()...)))
}
