package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A buildCommand is the flags of `pulpimg build`.
type buildCommand struct {
	console  console
	source   source
	engine   engineFlags
	registry registryFlags
	format   format
	platform []string
	outputs  []string
	secrets  []string
	policy   string
	progress string
	metadata string
	noCache  bool
	refresh  bool
	dryRun   bool
	load     bool
	push     bool
	debug    bool

	seen bool // the user has seen why the build failed, before its end
}

func newBuild(con console) *cobra.Command {
	c := &buildCommand{console: con}
	cmd := &cobra.Command{
		Use:   "build [IMAGE...]",
		Short: "Build the images of a spec",
		Long:  "Build the images of a spec: all of them, or those that are named and what they are based on.",
		Example: "  pulpimg build -f specs/pulp.yaml\n" +
			"  pulpimg build -f specs/pulp.yaml --push --registry registry.example.com/pulp\n" +
			"  pulpimg build -f specs/pulp.yaml pulp-worker -o docker-archive:worker.tar",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withDebug(cmd, c.run(cmd.Context(), args))
		},
		ValidArgsFunction: completeImages,
	}
	flags := cmd.Flags()
	c.source.flags(flags)
	c.engine.flags(flags)
	c.registry.pullFlags(flags)
	c.format.flag(flags)
	flags.StringSliceVar(&c.platform, "platform", nil, "build for these `PLATFORMS`, such as linux/amd64,linux/arm64 (default: the engine's own)")
	flags.StringArrayVarP(&c.outputs, "output", "o", nil, "also write the images to oci:DIR or docker-archive:FILE (`DESTINATION`, may be repeated)")
	flags.BoolVar(&c.load, "load", false, "also load the images into docker, podman or nerdctl, the first that answers")
	flags.BoolVar(&c.push, "push", false, "publish the images when all of them are built")
	flags.StringVar(&c.metadata, "metadata-file", "", "write what was built to this `FILE` as JSON")
	flags.StringVar(&c.progress, "progress", "auto", "how to show progress: auto, plain, tty, quiet or rawjson (`MODE`)")
	flags.BoolVar(&c.noCache, "no-cache", false, "run every command again")
	flags.BoolVar(&c.dryRun, "dry-run", false, "only say what would be done, and why, as pulpimg plan does")
	flags.BoolVar(&c.refresh, "refresh", false, "run every command again that uses the network, however old what it made is")
	flags.BoolVar(&c.debug, "debug", false, "open a shell in the file system of the step that fails, as its command left it")
	flags.StringVar(&c.policy, "source-policy", "", "a `FILE` with a BuildKit source policy: which sources may be used, and which to use instead of others")
	flags.StringArrayVar(&c.secrets, "secret", nil, "give a secret to the run steps that ask for it: id=`ID`[,src=FILE|,env=NAME] (may be repeated)")
	return cmd
}

func (c *buildCommand) run(ctx context.Context, images []string) (err error) {
	outputs, err := parseOutputs(c.outputs)
	if err != nil {
		return err
	}
	if err := c.registry.check(); err != nil {
		return err
	}
	if c.metadata != "" {
		if err := checkMetadata(c.metadata); err != nil {
			return err
		}
	}
	keep, err := keptSize()
	if err != nil {
		return err
	}
	if err := c.checkTogether(); err != nil {
		return err
	}
	opts, err := c.options()
	if err != nil {
		return err
	}
	if archives := c.load || slices.ContainsFunc(outputs, output.isArchive); archives && len(opts.Platforms) > 1 {
		return usageError{errors.New("a docker archive, and so --load, holds one platform: choose one with --platform")}
	}
	f, err := c.source.family(ctx, c.console, images)
	if err != nil {
		return err
	}
	if len(f.Published()) == 0 && (c.push || c.load || len(outputs) > 0 || c.metadata != "") {
		return usageError{errors.New("all images to build have publish: false: there is nothing to push, load or write")}
	}
	if c.push { // without commands, publishing finds that out as fast
		opts.BeforeEngine = func(ctx context.Context) error { return c.registry.checkAccess(ctx, c.console, f) }
	}
	into, err := build.Cache{}.Layout(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, into.Close()) }()
	if c.dryRun {
		plan := planCommand{build: *c, against: againstBuild, format: c.format.name}
		return plan.print(ctx, f, into, opts)
	}
	defer collect(ctx, c.console, keep)
	result, err := build.Family(ctx, f, into, opts)
	if err != nil {
		return err
	}
	pushed, err := c.deliver(ctx, f, into, result, outputs)
	if err != nil {
		return err
	}
	return c.format.print(c.console, result, pushed)
}

// checkTogether refuses flags that do not go together.
func (c *buildCommand) checkTogether() error {
	switch {
	case c.dryRun && (c.push || c.load || c.debug || len(c.outputs) > 0 || c.metadata != ""):
		return usageError{errors.New("--dry-run builds nothing: it goes with no --push, --load, --output, --metadata-file or --debug; push has a --dry-run of its own")}
	case len(c.registry.mirrors) > 0 && c.engine.address != "":
		return usageError{errors.New("--mirror is for the embedded engine: an engine elsewhere has mirrors of its own")}
	case c.debug:
		return needTerminal()
	}
	return nil
}

// deliver brings what was built to where the flags want it. The publication is nil if it was not to be published.
func (c *buildCommand) deliver(ctx context.Context, f *family.Family, into *layout.Layout, result *build.Result, outputs []output) (*publication, error) {
	if result.Unrecorded != nil {
		fmt.Fprintf(c.console.err, "pulpimg: %v; the next build makes it again\n", result.Unrecorded)
	}
	images := result.Build.Images
	if c.load || len(outputs) > 0 {
		if err := fill(ctx, c.console, into, images, &c.registry); err != nil {
			return nil, err
		}
	}
	for _, output := range outputs {
		if err := output.write(ctx, into, images); err != nil {
			return nil, err
		}
	}
	if c.load {
		if err := load(ctx, c.console, into, images); err != nil {
			return nil, err
		}
	}
	if c.metadata != "" {
		if err := writeMetadata(c.metadata, result); err != nil {
			return nil, err
		}
	}
	if !c.push {
		return nil, nil
	}
	return publishImages(ctx, c.console, f, into, images, &c.registry)
}

// progressModes are the ways in which BuildKit shows a build.
var progressModes = []string{"auto", "plain", "tty", "quiet", "rawjson"}

func (c *buildCommand) options() (build.Options, error) {
	if !slices.Contains(progressModes, c.progress) {
		return build.Options{}, usageError{fmt.Errorf("--progress %s: it is one of %s", c.progress, strings.Join(progressModes, ", "))}
	}
	if c.noCache && c.refresh {
		return build.Options{}, usageError{errors.New("--no-cache runs every command again, with and without --refresh: give one of them")}
	}
	on, err := c.engine.options(c.console)
	if err != nil {
		return build.Options{}, err
	}
	wanted, err := parsePlatforms(c.platform)
	if err != nil {
		return build.Options{}, err
	}
	policy, err := readPolicy(c.policy)
	if err != nil {
		return build.Options{}, err
	}
	secrets, err := secretStore(c.secrets)
	if err != nil {
		return build.Options{}, err
	}
	credentials, err := keychain()
	if err != nil {
		return build.Options{}, err
	}
	created, err := sourceDateEpoch()
	if err != nil {
		return build.Options{}, err
	}
	var debug build.Debugger
	if c.debug {
		debug = c.openShell
	}
	return build.Options{
		Debug:        debug,
		Engine:       on,
		Platforms:    wanted,
		Created:      created,
		NoCache:      c.noCache,
		Refresh:      c.refresh,
		SourcePolicy: policy,
		Keychain:     credentials,
		Registries:   c.registry.config,
		Greetings:    c.registry.greetings,
		Proxies:      build.ProxiesOf(os.Getenv),
		Secrets:      secrets,
		Progress:     build.Progress{Out: c.console.err, Mode: c.progress},
		Warn:         c.console.warn,
	}, nil
}

func parsePlatforms(list []string) ([]ocispec.Platform, error) {
	var out []ocispec.Platform
	seen := map[string]bool{}
	for _, s := range list {
		p, err := platforms.Parse(s)
		if err != nil {
			return nil, usageError{fmt.Errorf("--platform %s: %w", s, err)}
		}
		p = platforms.Normalize(p)
		if name := platforms.Format(p); !seen[name] {
			seen[name] = true
			out = append(out, p)
		}
	}
	return out, nil
}

// readPolicy reads a source policy. Its own reader refuses what BuildKit would silently overlook, such as "matchType".
func readPolicy(file string) (*spb.Policy, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("--source-policy: %w", err)}
	}
	return parsePolicy(file, data)
}
