package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// existingSecrets are the Secrets that are in the cluster already, by the flags --existing-secret.
type existingSecrets struct {
	// all has what no key is for; empty, if there is no such Secret.
	all string
	// keys are by the name of a variable or the id of a secret.
	keys map[string]kubernetes.SecretKey
}

// parseExisting reads NAME, and SECRET=NAME or SECRET=NAME/KEY.
func parseExisting(flags []string) (existingSecrets, error) {
	out := existingSecrets{keys: map[string]kubernetes.SecretKey{}}
	for _, flag := range flags {
		of, rest, one := strings.Cut(flag, "=")
		if !one {
			out.all = flag
			if err := checkSecretName("existing-secret", flag, flag); err != nil {
				return existingSecrets{}, err
			}
			continue
		}
		name, key, hasKey := strings.Cut(rest, "/")
		if !hasKey {
			key = of
		}
		if of == "" {
			return existingSecrets{}, usageError{fmt.Errorf("--existing-secret %s: write SECRET=NAME, or SECRET=NAME/KEY", flag)}
		}
		if err := checkSecretName("existing-secret", flag, name); err != nil {
			return existingSecrets{}, err
		}
		if len(validation.IsConfigMapKey(key)) > 0 {
			return existingSecrets{}, usageError{fmt.Errorf("--existing-secret %s: %q is no key of a Secret: these have letters, digits, '-', '_' and '.'", flag, key)}
		}
		out.keys[of] = kubernetes.SecretKey{Secret: name, Key: key}
	}
	return out, nil
}

// existingKey returns what a value of --existing-secret is for: one secret, or all others.
func existingKey(flag string) string {
	of, _, one := strings.Cut(flag, "=")
	if !one {
		return "all secrets"
	}
	return of
}

// check returns an error about Secrets and keys that are for nothing in the spec.
func (e existingSecrets) check(f *family.Family) error {
	if e.all != "" && !hasSecrets(f) {
		return usageError{fmt.Errorf("--existing-secret %s: %s has neither secret variables nor secrets of images, so nothing would come from there", e.all, f.Spec.Filename)}
	}
	for _, of := range slices.Sorted(maps.Keys(e.keys)) {
		if f.IsSecret(of) {
			continue
		}
		if err := checkSecretID(f, of); err != nil {
			return usageError{fmt.Errorf("--existing-secret %s=...: it is no variable that is secret, and %w", of, err)}
		}
	}
	return nil
}

// hasSecrets reports whether the spec has anything that comes from a Secret.
func hasSecrets(f *family.Family) bool {
	for _, v := range f.Contract.Environment {
		if v.Secret {
			return true
		}
	}
	return slices.ContainsFunc(f.Spec.Images, func(i spec.Named[spec.Image]) bool { return len(i.Value.Secrets) > 0 })
}

func checkSecretName(flag, value, name string) error {
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return usageError{fmt.Errorf("--%s %s: a Secret's name has small letters, digits, '-' and '.'", flag, value)}
	}
	return nil
}
