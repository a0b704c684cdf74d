package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// registryFlags say how registries are talked to.
type registryFlags struct {
	plainHTTP []string
	mirrors   []string
	cas       []string

	config    *registries.Config // of the flags and the files; check sets it
	greetings *publish.Greetings // check sets them
}

func (r *registryFlags) flags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&r.plainHTTP, "plain-http", nil,
		"talk to this registry without TLS, `HOST[:PORT]` as references have it; localhost needs no permission (may be repeated)")
	flags.StringArrayVar(&r.cas, "ca", nil, "trust the certificates of this `FILE` too, when a registry answers (PEM, may be repeated)")
}

// pullFlags are the flags of commands that pull.
func (r *registryFlags) pullFlags(flags *pflag.FlagSet) {
	r.flags(flags)
	flags.StringArrayVar(&r.mirrors, "mirror", nil,
		"pull the images of a registry, or of a part of it, from a mirror if that has them, `REGISTRY=MIRROR`, each HOST[:PORT][/PATH] (may be repeated)")
	flags.Lookup("ca").Usage = "trust the certificates of this `FILE` too: for registries, for what the engine fetches, and in commands, without leaving it in a layer (PEM, may be repeated)"
}

// options are those of the flags, and show what a registry keeps waiting for.
func (r *registryFlags) options(waiting func(publish.Waiting)) publish.Options {
	return publish.Options{Registries: r.config, Greetings: r.greetings, Waiting: waiting}
}

// check refuses flags that no registry can have, and reads what is known about registries.
func (r *registryFlags) check() error {
	for _, host := range r.plainHTTP {
		if _, err := name.NewRegistry(host, name.StrictValidation); err != nil {
			return usageError{fmt.Errorf("--plain-http %s: write HOST or HOST:PORT", host)}
		}
	}
	opts := registries.Options{PlainHTTP: r.plainHTTP, CAs: r.cas}
	for _, text := range r.mirrors {
		of, at, ok := strings.Cut(text, "=")
		mirror := registries.Mirror{Of: of, At: at}
		if err := mirror.Check(); !ok || err != nil {
			return usageError{fmt.Errorf("--mirror %s: write REGISTRY=HOST[:PORT][/PATH], such as docker.io=mirror.example.com/hub", text)}
		}
		opts.Mirrors = append(opts.Mirrors, mirror)
	}
	config, err := registries.Load(opts)
	if err != nil {
		return registriesProblem(err, r.cas)
	}
	r.config, r.greetings = config, &publish.Greetings{}
	return nil
}

// registriesProblem returns an error about what is known of registries as one of a flag, if it is.
func registriesProblem(err error, cas []string) error {
	var file *registries.FileError
	if errors.As(err, &file) && slices.Contains(cas, file.File) {
		return usageError{fmt.Errorf("--ca %s: %w", file.File, file.Err)}
	}
	return err
}

// checkAccess tries whether all images of a family can be published.
func (r *registryFlags) checkAccess(ctx context.Context, con console, f *family.Family) error {
	var references []name.Tag
	for _, image := range f.Published() {
		for _, reference := range image.References {
			tag, err := name.NewTag(reference)
			if err != nil {
				return fmt.Errorf("publishing %s: %w", image.Name, err)
			}
			references = append(references, tag)
		}
	}
	return r.hint(publish.CheckAccess(ctx, references, r.options(noteWaiting(con))))
}

// hint says which flag helps, if one does.
func (r *registryFlags) hint(err error) error {
	var (
		refused *publish.PlainHTTPError
		silent  *publish.UnreachableError
	)
	switch {
	case errors.As(err, &refused) && !refused.Lowered:
		return fmt.Errorf("%w; if that is meant, allow it with --plain-http %s", err, refused.Host)
	case errors.As(err, new(x509.UnknownAuthorityError)) && errors.As(err, &silent):
		return fmt.Errorf("%w; if its authority is one of your own, name its certificate with --ca FILE, or put it into certs.d/%s", err, silent.Registry)
	case errors.Is(err, http.ErrSchemeMismatch) && errors.As(err, &silent):
		return fmt.Errorf("%w; if it is meant to work without TLS, allow that with --plain-http %s", err, silent.Registry)
	}
	return err
}

// noteWaiting prints what a registry keeps waiting for, a line each time.
func noteWaiting(con console) func(publish.Waiting) {
	var lines sync.Mutex
	return func(w publish.Waiting) {
		lines.Lock()
		defer lines.Unlock()
		fmt.Fprintln(con.err, "pulpimg: "+waitingText(w))
	}
}

func waitingText(w publish.Waiting) string {
	if w.Err != nil {
		return diagnostic.Visible(fmt.Sprintf("waiting %s before asking registry %s again: %v", w.Pause, w.Registry, w.Err))
	}
	return fmt.Sprintf("registry %s has not answered for %s", w.Registry, w.Silent)
}

// keychain returns where the credentials are, for pulling and for publishing. That a file of it is damaged is an error before anything is done.
func keychain() (*publish.Keychain, error) {
	keychain := publish.NewKeychain(os.Getenv)
	return keychain, keychain.Check()
}
