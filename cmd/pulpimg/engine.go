package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	containerd "github.com/containerd/platforms"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
)

// engineFlags choose the engine.
type engineFlags struct {
	address string
	tls     engine.TLS
}

func (e *engineFlags) flags(flags *pflag.FlagSet) {
	flags.StringVar(&e.address, "engine", os.Getenv("BUILDKIT_HOST"),
		"build on the BuildKit at this `ADDRESS` (unix, tcp, ssh, docker-container, kube-pod) instead of the embedded one; also $BUILDKIT_HOST")
	flags.StringVar(&e.tls.CACert, "engine-ca", "", "the `FILE` with the certificate authority of a tcp engine")
	flags.StringVar(&e.tls.Cert, "engine-cert", "", "the `FILE` with the client's certificate for a tcp engine")
	flags.StringVar(&e.tls.Key, "engine-key", "", "the `FILE` with the key of the client's certificate")
	// The default comes from the environment; the help shall be the same everywhere.
	flags.Lookup("engine").DefValue = ""
}

func (e *engineFlags) options(con console) (engine.Options, error) {
	if e.address == "" && e.tls != (engine.TLS{}) {
		return engine.Options{}, usageError{errors.New("--engine-ca, --engine-cert and --engine-key go with --engine tcp://HOST:PORT")}
	}
	cache, err := build.Cache{}.Path()
	if err != nil {
		return engine.Options{}, err
	}
	return engine.Options{
		Address:  e.address,
		TLS:      e.tls,
		CacheDir: cache,
		Notice:   func(line string) { fmt.Fprintln(con.err, "pulpimg: "+diagnostic.Visible(line)) },
	}, nil
}

func newEngine(con console) *cobra.Command {
	var flags engineFlags
	var output format
	cmd := &cobra.Command{
		Use:                        "engine",
		Short:                      "Look after the engine that builds the images",
		Args:                       knownCommand,
		SuggestionsMinimumDistance: 2,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags.flags(cmd.PersistentFlags())
	status := &cobra.Command{
		Use:   "status",
		Short: "Show which engine it is, where it is and how much disk it and what was built use",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return engineStatus(cmd.Context(), con, flags, output)
		},
	}
	output.flag(status.Flags())
	prune := &cobra.Command{
		Use:   "prune",
		Short: "Free the disk of the engine, of file layers and of built images: the next build starts from nothing",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return enginePrune(cmd.Context(), con, flags)
		},
	}
	cmd.AddCommand(status, prune)
	return cmd
}

// An engineInfo is what `pulpimg engine status` shows.
type engineInfo struct {
	*engine.Info
	// What commands keep on this machine in addition to the engine, in bytes.
	LayersUsage int64 `json:"layers_disk_usage"`
	ImagesUsage int64 `json:"images_disk_usage"`
}

func engineStatus(ctx context.Context, con console, flags engineFlags, output format) error {
	opts, err := flags.options(con)
	if err != nil {
		return err
	}
	info, err := engine.Status(ctx, opts)
	if err != nil {
		return err
	}
	usage, err := build.Cache{}.Usage(ctx)
	if err != nil {
		return err
	}
	all := engineInfo{info, usage.Layers, usage.Images}
	if output.name == formatJSON {
		return printJSON(con.out, all)
	}
	return statusTable(con, all)
}

func statusTable(con console, info engineInfo) error {
	platforms := make([]string, len(info.Platforms))
	for i, p := range info.Platforms {
		platforms[i] = containerd.Format(p)
	}
	running := "no"
	switch {
	case info.Running && info.PID != 0:
		running = fmt.Sprintf("yes, started by pulpimg with pid %d", info.PID)
	case info.Running:
		running = "yes"
	}
	table := newTable(con.out)
	for _, line := range [][2]string{
		{"engine", string(info.Kind)}, {"address", info.Address}, {"directory", info.Dir}, {"buildkit", info.BuildKit}, {"runc", info.Runc}, {"mode", modeOf(info.Info)},
		{"running", running}, {"disk", size(info.DiskUsage)}, {"layers", size(info.LayersUsage)}, {"images", size(info.ImagesUsage)},
		{"platforms", strings.Join(platforms, ", ")},
	} {
		if line[1] != "" {
			table.row(line[0], line[1])
		}
	}
	return table.flush()
}

// modeOf returns how the embedded engine runs, or why it cannot.
func modeOf(info *engine.Info) string {
	switch {
	case info.Unusable != nil:
		return fmt.Sprintf("it cannot run: %v (%s)", info.Unusable, engineRemedy(info.Unusable))
	case info.Mode == engine.Rootless:
		return "rootless: root of a user namespace, with process namespaces for build steps"
	}
	return string(info.Mode)
}

// enginePrune frees what can be freed, also when a part of it cannot.
func enginePrune(ctx context.Context, con console, flags engineFlags) error {
	opts, err := flags.options(con)
	if err != nil {
		return err
	}
	// The engine first: that waits for a build, which then no longer uses its layers either.
	ofEngine, engineErr := engine.Prune(ctx, opts)
	ofStores, storesErr := build.Cache{}.Prune(ctx, func(dir string) {
		fmt.Fprintf(con.err, "pulpimg: %s stays: another command uses it\n", dir)
	})
	if err := errors.Join(engineErr, storesErr); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "freed %s\n", size(ofEngine+ofStores))
	return nil
}
