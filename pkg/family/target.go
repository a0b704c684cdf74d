package family

import (
	"cmp"
	"runtime"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A Target is a platform that images are built for, in the terms of Go and OCI.
// https://github.com/opencontainers/image-spec/blob/main/image-index.md#image-index-property-descriptions
type Target struct{ OS, Arch, Variant string }

// complete returns the target that a family is resolved for: Linux on the architecture of this machine, unless it says something else.
func (t Target) complete() Target {
	t.OS, t.Arch = cmp.Or(t.OS, "linux"), cmp.Or(t.Arch, runtime.GOARCH)
	return t
}

// targetPrefix is how the names of the variables begin that describe the target. No variable of a spec has such a name.
const targetPrefix = "target."

// variables returns the variables that describe the target.
func (t Target) variables() map[string]string {
	return map[string]string{targetPrefix + "os": t.OS, targetPrefix + "arch": t.Arch, targetPrefix + "variant": t.Variant}
}

// For returns the family for a target. It is another one only if the spec names the target.
func (f *Family) For(t Target) (*Family, error) {
	if t = t.complete(); f.namesTarget == nil || t == f.options.Target {
		return f, nil
	}
	o := f.options
	o.Target = t
	out, err := Resolve(f.Spec, o)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(f.Images))
	for i, image := range f.Images {
		names[i] = image.Name
	}
	return out.Select(names...)
}

// NamesTarget returns the first place at which an image names the target, if one does.
func (f *Family) NamesTarget() (at spec.Range, ok bool) {
	if f.namesTarget == nil {
		return spec.Range{}, false
	}
	return *f.namesTarget, true
}

// declareTarget makes the variables of the target known from here on: to the images.
func (r *resolver) declareTarget(t Target) {
	for name, value := range t.variables() {
		r.substitute.values[name] = &value
	}
}

func isOfTarget(name string) bool { return strings.HasPrefix(name, targetPrefix) }
