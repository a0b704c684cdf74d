package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
)

func newPrune(con console, flags *engineFlags) *cobra.Command {
	var limits build.Limits
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Free the disk of the engine, of file layers and of built images",
		Long: "Free the disk of the engine, of file layers and of built images.\n\n" +
			"Without a flag, all of it goes: the next build starts from nothing. With a flag, only what exceeds a limit goes: first the " +
			"images of specs that are no longer there, then what was not used for longest. What another command uses stays.",
		Example: "  pulpimg engine prune --keep-storage 5GB\n" +
			"  pulpimg engine prune --older-than 7d",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return enginePrune(cmd.Context(), con, *flags, limits)
		},
	}
	cmd.Flags().Var((*sizeValue)(&limits.Size), "keep-storage",
		"keep as much of everything together as fits into `SIZE`, such as 5GB or 1.5GiB")
	cmd.Flags().Var((*ageValue)(&limits.Unused), "older-than",
		"remove what was not used for this `DURATION`, such as 7d or 24h")
	return cmd
}

// enginePrune frees what can be freed, also when a part of it cannot.
func enginePrune(ctx context.Context, con console, flags engineFlags, limits build.Limits) error {
	opts, err := flags.options(con)
	if err != nil {
		return err
	}
	inUse := func(dir string) { fmt.Fprintf(con.err, "pulpimg: %s stays: another command uses it\n", dir) }
	if limits != (build.Limits{}) {
		done, err := build.Cache{}.Reduce(ctx, opts, limits, inUse)
		if done.Freed > 0 || err == nil {
			fmt.Fprintf(con.out, "freed %s, and %s are left\n", size(done.Freed), size(done.Left))
		}
		return err
	}
	// The engine first: that waits for a build, which then no longer uses its layers either.
	ofEngine, engineErr := engine.Prune(ctx, opts)
	ofStores, storesErr := build.Cache{}.Prune(ctx, inUse)
	if err := errors.Join(engineErr, storesErr); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "freed %s\n", size(ofEngine+ofStores))
	return nil
}

// A sizeValue is a number of bytes as docker writes it. It implements pflag.Value, as ageValue does.
type sizeValue int64

func (s *sizeValue) String() string { return "" }

func (s *sizeValue) Type() string { return "SIZE" }

func (s *sizeValue) Set(text string) error {
	bytes, err := parseSize(text)
	if err != nil {
		return err
	}
	*s = sizeValue(bytes)
	return nil
}

// parseSize reads a size. It needs a unit: other tools take a number alone for bytes or for megabytes.
func parseSize(text string) (int64, error) {
	parse := units.FromHumanSize
	if strings.Contains(strings.ToLower(text), "ib") {
		parse = units.RAMInBytes
	}
	bytes, err := parse(text)
	if err != nil || bytes <= 0 || strings.TrimRight(text, "0123456789.") != text {
		return 0, errors.New("write a size above 0 with its unit, such as 500MB, 5GB or 1.5GiB")
	}
	return bytes, nil
}

// An ageValue is a duration in which d stands for 24 hours.
type ageValue time.Duration

func (a *ageValue) String() string { return "" }

func (a *ageValue) Type() string { return "DURATION" }

func (a *ageValue) Set(text string) error {
	age, err := parseAge(text)
	if err != nil {
		return err
	}
	*a = ageValue(age)
	return nil
}

func parseAge(text string) (time.Duration, error) {
	const (
		day     = 24 * time.Hour
		maxDays = 36500
	)
	problem := errors.New("write a duration above 0 with its unit, such as 7d, 1d12h or 24h")
	var age time.Duration
	if match := regexp.MustCompile(`^([0-9]+)d(.*)$`).FindStringSubmatch(text); match != nil {
		days, err := strconv.Atoi(match[1])
		if err != nil || days > maxDays {
			return 0, problem
		}
		age, text = time.Duration(days)*day, match[2]
	}
	if text != "" {
		rest, err := time.ParseDuration(text)
		if err != nil || rest < 0 {
			return 0, problem
		}
		age += rest
	}
	if age <= 0 {
		return 0, problem
	}
	return age, nil
}

// keepVariable says how much file layers and images may take when a build ends.
const keepVariable = "PULPIMG_KEEP_STORAGE"

// keptSize returns how many bytes file layers and images may take when a build ends.
func keptSize() (int64, error) {
	text := os.Getenv(keepVariable)
	if text == "" {
		return build.DefaultSize, nil
	}
	bytes, err := parseSize(text)
	if err != nil {
		return 0, usageError{fmt.Errorf("%s=%s: %w", keepVariable, text, err)}
	}
	return bytes, nil
}

// collect keeps the cache within a size. That it cannot is no error of what the command did.
func collect(ctx context.Context, con console, bytes int64) {
	if ctx.Err() != nil {
		return
	}
	if _, err := (build.Cache{}).Collect(ctx, bytes); err != nil && ctx.Err() == nil {
		fmt.Fprintf(con.err, "pulpimg: %v\n", err)
	}
}
