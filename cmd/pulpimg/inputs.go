package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/tonistiigi/go-csvvalue"

	"github.com/pulpimg/pulpimg/internal/export"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// parsePolicy reads a source policy strictly: BuildKit's own reader passes over a key that it does not know, such as "matchType",
// and the rule then does something else than it says.
// https://github.com/moby/buildkit/blob/master/docs/build-repro.md
func parsePolicy(file string, data []byte) (*spb.Policy, error) {
	var policy spb.Policy
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil {
		return nil, usageError{fmt.Errorf("--source-policy %s is no source policy: %w", file, err)}
	}
	for i, rule := range policy.Rules {
		if rule.GetSelector().GetIdentifier() == "" {
			return nil, usageError{fmt.Errorf("--source-policy %s: rule %d selects nothing: it needs a selector with an identifier", file, i+1)}
		}
	}
	return &policy, nil
}

// secretStore reads the secrets of the command line. Each is read once, as what a pipe holds can be: several steps may ask for it.
func secretStore(flags []string) (secrets.SecretStore, error) {
	values := secretValues{}
	for _, flag := range flags {
		source, err := parseSecret(flag)
		if err != nil {
			return nil, err
		}
		if values[source.ID], err = readSecret(source); err != nil {
			return nil, usageError{fmt.Errorf("--secret: %w", err)}
		}
	}
	return values, nil
}

// secretValues are secrets by their ids.
type secretValues map[string][]byte

// GetSecret implements secrets.SecretStore.
func (v secretValues) GetSecret(_ context.Context, id string) ([]byte, error) {
	value, ok := v[id]
	if !ok {
		return nil, secrets.ErrNotFound
	}
	return value, nil
}

// readSecret reads a secret, as docker does: from the variable or the file of its id if it says neither.
func readSecret(source secretsprovider.Source) ([]byte, error) {
	if source.Env == "" && source.FilePath == "" {
		if value, ok := os.LookupEnv(source.ID); ok {
			return []byte(value), nil
		}
		source.FilePath = source.ID
	}
	if source.Env != "" {
		return []byte(os.Getenv(source.Env)), nil
	}
	file, err := os.Open(source.FilePath)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	value, err := io.ReadAll(io.LimitReader(file, secretsprovider.MaxSecretSize+1))
	if err == nil && len(value) > secretsprovider.MaxSecretSize {
		err = fmt.Errorf("%s is larger than %d bytes", source.FilePath, secretsprovider.MaxSecretSize)
	}
	return value, err
}

// parseSecret reads what buildctl and docker take too: fields of CSV. It refuses what they find out later, or never.
// https://docs.docker.com/reference/cli/docker/buildx/build/#secret
func parseSecret(flag string) (source secretsprovider.Source, err error) {
	fields, err := csvvalue.Fields(flag, nil)
	if err != nil {
		return source, usageError{fmt.Errorf("--secret %s: write id=ID,src=FILE or id=ID,env=NAME", flag)}
	}
	var kind string
	for _, field := range fields {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "id":
			source.ID = value
		case "src", "source":
			source.FilePath = value
		case "env":
			source.Env = value
		case "type":
			if kind = value; kind != "file" && kind != "env" {
				return source, usageError{fmt.Errorf("--secret %s: the type %q is none of file and env", flag, kind)}
			}
		default:
			return source, usageError{fmt.Errorf("--secret %s: %q is none of id, src and env", flag, key)}
		}
	}
	if kind == "file" && source.Env != "" {
		return source, usageError{fmt.Errorf("--secret %s: type=file does not go with env", flag)}
	}
	if kind == "env" && source.Env == "" {
		source.Env, source.FilePath = source.FilePath, ""
	}
	return source, checkSecret(flag, source)
}

func checkSecret(flag string, source secretsprovider.Source) error {
	switch {
	case source.ID == "":
		return usageError{fmt.Errorf("--secret %s: it needs an id", flag)}
	case source.FilePath != "" && source.Env != "":
		return usageError{fmt.Errorf("--secret %s: give src or env, not both", flag)}
	case source.Env != "":
		if _, ok := os.LookupEnv(source.Env); !ok {
			return usageError{fmt.Errorf("--secret %s: %s is not set", flag, source.Env)}
		}
	}
	return nil
}

// An output is a place that the images go to besides the layout that is kept for pushing.
type output struct{ kind, path string }

func (o output) isArchive() bool { return o.kind == "docker-archive" }

func parseOutputs(flags []string) ([]output, error) {
	outputs := make([]output, len(flags))
	for i, flag := range flags {
		kind, path, _ := strings.Cut(flag, ":")
		if path == "" || kind != "oci" && kind != "docker-archive" {
			return nil, usageError{fmt.Errorf("--output %s: write oci:DIR or docker-archive:FILE", flag)}
		}
		outputs[i] = output{kind, path}
	}
	return outputs, nil
}

func (o output) write(ctx context.Context, from *layout.Layout, images []layout.Image) error {
	if o.kind != "oci" {
		return export.DockerArchive(ctx, from, images, o.path)
	}
	err := from.Merge(ctx, images, o.path)
	var other *layout.NotLayoutError
	if errors.As(err, &other) {
		return fmt.Errorf("--output %s:%s: %w: name an empty or a new directory", o.kind, o.path, err)
	}
	return err
}

func load(ctx context.Context, con console, from *layout.Layout, images []layout.Image) error {
	tool, err := export.Load(ctx, from, images)
	if err == nil {
		fmt.Fprintf(con.err, "loaded into %s\n", tool)
	}
	return err
}
