package family

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// Storage is a file system that containers share. It outlives them.
type Storage struct {
	// Size is a quantity in Kubernetes' notation, such as "100Gi"; Access one of its access modes; Class a storage class, or empty.
	Size, Access, Class string
	// Volumes are the paths in the images that are kept in it.
	Volumes []string
	At      spec.Range
}

// nothing is no amount of bytes.
var nothing = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0.]+[A-Za-z]*$`) })

func (r *resolver) storage(s spec.Storage, images []*Image) *Storage {
	storage := &Storage{
		Size:    r.matchForm(s.Size, bytesAmount, "amount of storage: write a number and Mi, Gi or Ti"),
		Access:  schema.AccessModes()[0],
		Class:   r.matchForm(s.Class, className, "name for a storage class"),
		Volumes: r.absolutes(s.Volumes, "the volume"),
		At:      s.At,
	}
	if nothing().MatchString(storage.Size) {
		r.report.Add(s.Size.At, "", "%q is no amount of storage: write a number and Mi, Gi or Ti", storage.Size)
	}
	if s.Access.IsSet() {
		storage.Access = r.access(s.Access)
	}
	r.checkVolumes(s, storage.Volumes, images)
	return storage
}

// checkVolumes reports volumes that a storage cannot keep, or that would be of no use there.
func (r *resolver) checkVolumes(s spec.Storage, volumes []string, images []*Image) {
	var all []string
	declared := map[string]bool{}
	incomplete := false
	for _, image := range images {
		incomplete = incomplete || r.incomplete[image.Name]
		for _, v := range image.Config.Volumes {
			if !declared[v] {
				declared[v] = true
				all = append(all, v)
			}
		}
	}
	names := map[string]string{}
	for i, v := range volumes {
		at := s.Volumes[i].At
		switch {
		case v == "/":
			r.report.Add(at, "name the directories that outlive containers", "the volume / would hide the whole image")
		case strings.Contains(v, ":"):
			r.report.Add(at, "give the directory another name", "%q has a ':', at which docker, podman and Kubernetes divide", v)
		case !declared[v] && !incomplete:
			r.report.Add(at, spec.DidYouMean(v, all), "no image has the volume %q", v)
		}
		name := volumeName(v)
		if other, ok := names[name]; ok && other != v {
			r.report.Add(at, "", "%s and %s would be kept under the same name, %s", other, v, name)
		}
		names[name] = v
	}
}

func (r *resolver) access(t spec.Text) string {
	mode, ok := r.substitute.expand(t, atBuild)
	if ok && !slices.Contains(schema.AccessModes(), mode) {
		r.report.Add(t.At, spec.DidYouMean(mode, schema.AccessModes()), "%q is not an access mode of storage", mode)
	}
	return mode
}

// unnamed is what the name of a volume cannot have. https://pkg.go.dev/github.com/docker/docker/volume/names#pkg-variables
var unnamed = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^A-Za-z0-9_.-]`) })

// volumeName is what a volume is called where those of a family are told apart: "var-lib-app", for /var/lib/app.
func volumeName(path string) string { return unnamed().ReplaceAllString(strings.Trim(path, "/"), "-") }
