package kubernetes

import (
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// maxName is what a StatefulSet's name may have, so that the labels and names made of it still fit into 63 characters.
// https://github.com/kubernetes/kubernetes/issues/64023
const maxName = 52

// objectName returns the name of an image's or a family's objects: names of objects are DNS labels, which know no '_' and no '.'.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#rfc-1035-label-names
func objectName(name string) string { return strings.NewReplacer("_", "-", ".", "-").Replace(name) }

// isObjectName reports whether a name is one that objects of an image or a family may have.
func isObjectName(name string) bool {
	return len(name) <= maxName && len(validation.IsDNS1035Label(name)) == 0
}

// checkNames reports images whose objects would have invalid names, or the same name.
func checkNames(f *family.Family, images []*family.Image, report *spec.Report) {
	if name := objectName(f.Name); !isObjectName(name) {
		report.Add(f.Spec.Name.At, "begin it with a letter, end it with a letter or a digit, and give it at most 52 characters", "%q is no name for objects of Kubernetes", f.Name)
	}
	taken := map[string]string{}
	for _, s := range f.Kubernetes.Services {
		taken[s.Name] = "a Service"
	}
	for _, image := range images {
		name := objectName(image.Name)
		if !isObjectName(name) {
			report.Add(image.At, "begin it with a letter, end it with a letter or a digit, and give it at most 52 characters", "%q is no name for objects of Kubernetes", image.Name)
		}
		if other, ok := taken[name]; ok {
			report.Add(image.At, "give one of them another name", "the objects of %s would have the name of %s: %s", image.Name, other, name)
		}
		taken[name] = image.Name
	}
}

// checkMounts reports paths in a container at which nothing can be mounted, or two things would be.
func checkMounts(images []*family.Image, report *spec.Report) {
	for _, image := range images {
		taken := map[string]bool{}
		for _, path := range mountPaths(image) {
			switch {
			case path == "/" || strings.Contains(path, ":"):
				report.Add(image.At, "", "Kubernetes can mount nothing at %q in %s", path, image.Name)
			case taken[path]:
				report.Add(image.At, "", "%s has both a socket and a volume at %q", image.Name, path)
			}
			taken[path] = true
		}
	}
}

// mountPaths returns where in a container something is mounted.
func mountPaths(image *family.Image) []string {
	paths := slices.Clone(image.Workload.Sockets)
	for _, v := range image.Workload.Volumes {
		paths = append(paths, v.Path)
	}
	return paths
}

// Labels by the recommended scheme.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
const (
	labelName      = "app.kubernetes.io/name"
	labelPartOf    = "app.kubernetes.io/part-of"
	labelVersion   = "app.kubernetes.io/version"
	labelManagedBy = "app.kubernetes.io/managed-by"
)

var labelValue = sync.OnceValue(schema.KubernetesLabelValue.Regexp)

// labels returns the labels of an object.
func (b *builder) labels(name string) map[string]string {
	labels := b.selector(name)
	labels[labelManagedBy] = "pulpimg"
	if tags := b.tags(name); len(tags) > 0 && labelValue().MatchString(tags[0]) {
		labels[labelVersion] = tags[0]
	}
	return labels
}

// tags returns the tags of the image whose objects have a name, or else those of the family.
func (b *builder) tags(name string) []string {
	for _, image := range b.images {
		if objectName(image.Name) == name {
			return image.Tags
		}
	}
	return b.family.Tags
}

// selector returns those of the labels that never change.
func (b *builder) selector(name string) map[string]string {
	return map[string]string{labelName: name, labelPartOf: objectName(b.family.Name)}
}

// meta returns the metadata of an object.
func (b *builder) meta(name, of string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Labels: b.labels(of)}
}
