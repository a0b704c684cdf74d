package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// compare says where images that should be the same are not. Times, and with them the digests, do differ.
func compare(ours, theirs map[string]image) error {
	same := []cmp.Option{
		cmpopts.EquateEmpty(),
		cmpopts.IgnoreUnexported(layer{}),
		cmpopts.IgnoreFields(v1.Config{}, "ArgsEscaped"), // only Windows reads it; each Dockerfile with CMD sets it
	}
	var differences []error
	for _, n := range slices.Sorted(maps.Keys(ours)) {
		if diff := cmp.Diff(ours[n], theirs[n], same...); diff != "" {
			differences = append(differences, fmt.Errorf("%s differs (- pulpimg, + bake):\n%s", n, diff))
		}
	}
	return errors.Join(differences...)
}
