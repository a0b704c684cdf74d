package kubernetes

import (
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// An Object is a typed object of one of Kubernetes' APIs.
type Object interface {
	runtime.Object
	metav1.Object
}

// Options are what the objects of a family depend on, besides its spec.
type Options struct {
	// Images is the reference of each image, by its name in the family. An image that is meant to be run and has none is an error.
	Images map[string]string
	// Namespace is where the objects go. If it is empty, whoever creates them says where.
	Namespace string
	// Values are those of environment variables, by name. The others have their defaults.
	Values map[string]string
	// Secret names a Secret that is in the namespace already; its keys are the names of the secret variables and the ids of the secret files. If
	// it is empty, the secret variables that have a value and the files are put into a new one.
	Secret string
	// Keys say, by the name of the variable or the id of the file, which key of another Secret has it.
	Keys map[string]SecretKey
	// Files are the contents of secret files, by id.
	Files map[string][]byte
	// PullSecret names a Secret with the credentials for the registry. If it is empty, images are pulled with those of the nodes.
	PullSecret string
	// Services say where Services of the spec lead. What they leave open, and those that are not among them, is as the spec says.
	Services []family.KubernetesService
	// Moving says that the references may mean another image tomorrow, as tags do, so that each start has to ask the registry. References
	// that are known to stay, such as digests, leave it false.
	Moving bool
}

// A SecretKey is a key of a Secret that is in the namespace already.
type SecretKey struct{ Secret, Key string }

// A TwoSourcesError says that a secret is given, and that a Secret which is there already is to have it, too.
type TwoSourcesError struct{ Name, Secret string }

func (e *TwoSourcesError) Error() string {
	return fmt.Sprintf("%s is given, and is to come from the Secret %s of the cluster", e.Name, e.Secret)
}

// Workloads returns the objects that run the images of a family that are meant to be run, in an order in which they can be created.
//
// What the spec says that Kubernetes cannot do is a [spec.Errors]; variables without a value and files from nowhere are a [family.MissingError], secrets that come from two places a [TwoSourcesError], a Service that
// the spec does not have is an [UnknownServiceError], and no image to run is [family.ErrNothingToRun].
func Workloads(f *family.Family, opts Options) ([]Object, error) {
	b, err := newBuilder(f, opts, true)
	if err != nil {
		return nil, err
	}
	if err := b.checkLinks(); err != nil {
		return nil, err
	}
	objects := b.environment()
	objects = append(objects, b.storage()...)
	objects = append(objects, b.services()...)
	for _, image := range b.images {
		objects = append(objects, b.workload(image)...)
	}
	return b.finish(objects), nil
}

// Pods returns a bare Pod for each of these images instead, with its environment written out, and what the pods need around them. It
// is what one tries an image with: a pod that is removed, or whose node is lost, does not come back.
func Pods(f *family.Family, opts Options) ([]Object, error) {
	b, err := newBuilder(f, opts, false)
	if err != nil {
		return nil, err
	}
	var objects []Object
	if secret := b.secret(); secret != nil {
		objects = append(objects, secret)
	}
	objects = append(objects, b.storage()...)
	objects = append(objects, b.services()...)
	for _, image := range b.images {
		if f.Kubernetes.NetworkPolicy {
			objects = append(objects, b.networkPolicy(image, objectName(image.Name)+barePod))
		}
		objects = append(objects, b.pod(image))
	}
	return b.finish(objects), nil
}

// A builder makes the objects of one family.
type builder struct {
	family     *family.Family
	options    Options
	images     []*family.Image // those that are meant to be run
	workloads  bool            // and have a Service of their own where they need one
	kubernetes []family.KubernetesService
	secrets    map[string]secretSource // where secret variables and files come from, by their names; those that have no source are not in it
}

func newBuilder(f *family.Family, opts Options, workloads bool) (*builder, error) {
	b := &builder{family: f, options: opts, workloads: workloads}
	for _, image := range f.Images {
		if image.Runs() {
			b.images = append(b.images, image)
		}
	}
	if len(b.images) == 0 {
		return nil, family.ErrNothingToRun
	}
	for _, image := range b.images {
		if opts.Images[image.Name] == "" {
			return nil, fmt.Errorf("there is no reference for the image %s", image.Name)
		}
	}
	var err error
	if b.kubernetes, err = merged(f, opts.Services); err != nil {
		return nil, err
	}
	if b.secrets, err = b.secretSources(); err != nil {
		return nil, err
	}
	if err := b.checkSize(); err != nil {
		return nil, err
	}
	report := spec.NewReport(f.Spec.Filename)
	checkNames(f, b.images, report)
	checkResources(b.images, report)
	checkMounts(b.images, report)
	if err := report.Err(); err != nil {
		return nil, err
	}
	return b, family.CheckValues(b.images, b.hasValue, func(s family.Secret) bool { _, ok := b.secrets[s.ID]; return ok })
}

// An UnknownServiceError says that a Service is not one of the spec.
type UnknownServiceError struct{ File, Name, Hint string }

func (e *UnknownServiceError) Error() string {
	text := fmt.Sprintf("%s declares no Service %q under kubernetes.services", e.File, e.Name)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// merged returns the Services of a family, with the selectors, hosts and ports of the overrides.
func merged(f *family.Family, overrides []family.KubernetesService) ([]family.KubernetesService, error) {
	out := slices.Clone(f.Kubernetes.Services)
	for _, s := range overrides {
		at := slices.IndexFunc(out, func(o family.KubernetesService) bool { return o.Name == s.Name })
		if at < 0 {
			var names []string
			for _, o := range out {
				names = append(names, o.Name)
			}
			return nil, &UnknownServiceError{File: f.Spec.Filename, Name: s.Name, Hint: spec.DidYouMean(s.Name, names)}
		}
		out[at].Selector, out[at].External = maps.Clone(s.Selector), s.External
		if s.Port != 0 {
			out[at].Port = s.Port
		}
	}
	return out, nil
}

// finish puts the objects where they belong.
func (b *builder) finish(objects []Object) []Object {
	for _, o := range objects {
		o.SetNamespace(b.options.Namespace)
	}
	return objects
}
