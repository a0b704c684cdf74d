package main

import (
	"errors"
	"fmt"
	"os"

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
		Short: "Show which engine it is, how it runs, and what pulpimg keeps on disk",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return engineStatus(cmd.Context(), con, flags, output)
		},
	}
	output.flag(status.Flags())
	cmd.AddCommand(status, newPrune(con, &flags))
	return cmd
}
