package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/pkg/build"
)

// The formats that commands print in.
const (
	formatText   = "text"
	formatJSON   = "json"
	formatGitHub = "github"
)

// A format is how a command prints its result and what went wrong.
type format struct {
	name string
	// machineOnly says that what went wrong is the result, so that a format for machines stands in for the text.
	machineOnly bool
	// told says that what was printed for machines has what went wrong in it.
	told bool
}

func (f *format) flag(flags *pflag.FlagSet) {
	f.name = formatText
	flags.Var(f, "format", "print the result, and what went wrong, in this `FORMAT`: text, json, or github for annotations of a pull request")
}

// String, Set and Type implement pflag.Value.
func (f *format) String() string { return f.name }

func (f *format) Set(value string) error {
	switch value {
	case formatText, formatJSON, formatGitHub:
		f.name = value
	default:
		return errors.New("write text, json or github")
	}
	return nil
}

func (f *format) Type() string { return "FORMAT" }

// print prints what was built and, if it was, published.
func (f *format) print(con console, result *build.Result, pushed *publication) error {
	if f.name == formatJSON {
		return printJSON(con.out, result)
	}
	if len(result.Images) > 0 {
		if err := imageTable(con.out, result, styleOf(con.out).Width); err != nil {
			return err
		}
		fmt.Fprintln(con.out)
	}
	fmt.Fprintln(con.out, buildSummary(result))
	if pushed != nil {
		fmt.Fprintln(con.out, pushSummary(pushed))
	}
	return nil
}

func printJSON(w io.Writer, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, diagnostic.VisibleJSON(string(data)))
	return err
}

// buildSummary counts what ran. What came from the engine's cache did not.
func buildSummary(result *build.Result) string {
	ran := 0
	for _, step := range result.Steps {
		if step.Command && !step.Cached {
			ran++
		}
	}
	if len(result.Images) == 0 {
		return fmt.Sprintf("built images that are not published in %s, running %s", seconds(result.Duration), count(ran, "command"))
	}
	layers := map[digest.Digest]int64{}
	for _, image := range result.Images {
		for _, p := range image.Platforms {
			for _, l := range p.Layers {
				layers[l.Digest] = l.Size
			}
		}
	}
	var total int64
	for _, bytes := range layers {
		total += bytes
	}
	if result.Same != nil {
		return fmt.Sprintf("nothing changed since %s: %s (%s together)", *result.Same, count(len(result.Images), "image"), size(total))
	}
	return fmt.Sprintf("built %s of %s (%s together) in %s, running %s",
		count(len(result.Images), "image"), count(len(layers), "layer"), size(total), seconds(result.Duration), count(ran, "command"))
}

// checkMetadata refuses what the metadata cannot be meant to replace, before anything is built. Builds overwrite the file of the one before,
// whichever tool made it; a file that holds no JSON object is a slip, such as the name of the spec.
func checkMetadata(file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && info.IsDir():
		err = errors.New("it is a directory")
	case err == nil && info.Mode().IsRegular():
		err = checkObject(file)
	}
	if err != nil {
		return usageError{fmt.Errorf("--metadata-file %s: %w", file, err)}
	}
	return nil
}

// checkObject returns an error for a file that does not begin like a JSON object. Empty and truncated files are accepted.
func checkObject(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	decoder := json.NewDecoder(f)
	first, err := decoder.Token()
	if err == io.EOF {
		return nil
	}
	if err == nil && first == json.Delim('{') {
		next, err := decoder.Token()
		if _, isKey := next.(string); isKey || next == json.Delim('}') || err == io.EOF {
			return nil
		}
	}
	return errors.New("it holds something else than JSON: give another name, or delete it")
}

func writeMetadata(file string, result *build.Result) error {
	data, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the metadata file: %w", err)
	}
	return nil
}

// short shortens a digest to what people compare.
func short(d digest.Digest) string {
	const characters = 12
	return string(d.Algorithm()) + ":" + d.Encoded()[:characters]
}

// size writes a number of bytes in decimal units, as registries do.
func size(bytes int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	value, unit := float64(bytes), 0
	for value >= 1000 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "ry"); ok {
		return fmt.Sprintf("%d %sries", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
