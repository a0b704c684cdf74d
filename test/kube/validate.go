package kube

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"       // puts the types into the scheme
	_ "k8s.io/kubernetes/pkg/apis/batch/install"      // the same
	_ "k8s.io/kubernetes/pkg/apis/core/install"       // the same
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"  // the same
	_ "k8s.io/kubernetes/pkg/apis/networking/install" // the same
	_ "k8s.io/kubernetes/pkg/apis/policy/install"     // the same
)

// defaultNamespace is where kubectl puts what names no namespace.
const defaultNamespace = "default"

// Validate reads a stream of YAML documents and returns the objects as they are written, without defaults. The error says all that an
// API server would refuse or warn of.
func Validate(stream []byte) ([]runtime.Object, error) {
	var (
		objects []runtime.Object
		errs    []error
	)
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, errors.Join(errs...)
		}
		if err != nil {
			return nil, err
		}
		object, err := decode(document)
		if err == nil {
			objects = append(objects, object)
			err = validate(object.DeepCopyObject())
		}
		errs = append(errs, err)
	}
}

// decode reads an object strictly: an unknown or a duplicate field is an error.
func decode(document []byte) (runtime.Object, error) {
	codecs := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	object, _, err := codecs.UniversalDeserializer().Decode(document, nil, nil)
	return object, err
}

// validate does with an object what an API server does before it stores it.
func validate(object runtime.Object) error {
	kind := object.GetObjectKind().GroupVersionKind()
	legacyscheme.Scheme.Default(object)
	internal, err := legacyscheme.Scheme.ConvertToVersion(object, schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return err
	}
	meta, ok := internal.(metav1.Object)
	if !ok {
		return fmt.Errorf("%s has no metadata", kind)
	}
	if meta.GetNamespace() == "" {
		meta.SetNamespace(defaultNamespace)
	}
	found, warnings := check(internal)
	var errs []error
	for _, e := range found {
		errs = append(errs, fmt.Errorf("%s %s is refused: %w", kind.Kind, meta.GetName(), e))
	}
	for _, w := range warnings {
		errs = append(errs, fmt.Errorf("%s %s is warned of: %s", kind.Kind, meta.GetName(), w))
	}
	return errors.Join(errs...)
}
