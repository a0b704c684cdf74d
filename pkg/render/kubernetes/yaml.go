package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"sigs.k8s.io/yaml"
)

// Write writes objects as one stream of YAML documents, the same bytes for the same objects.
func Write(w io.Writer, objects []Object) error {
	for i, o := range objects {
		data, err := marshal(o)
		if err != nil {
			return err
		}
		if i > 0 {
			data = append([]byte("---\n"), data...)
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// A File is a file of YAML.
type File struct {
	Name string
	Data []byte
	Mode fs.FileMode
}

// Files returns a file for each object, and a kustomization.yaml that names them.
// https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
func Files(objects []Object) ([]File, error) {
	var files []File
	kustomization := struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Resources  []string `json:"resources"`
	}{APIVersion: "kustomize.config.k8s.io/v1beta1", Kind: "Kustomization"}
	for _, o := range objects {
		data, err := marshal(o)
		if err != nil {
			return nil, err
		}
		kind := o.GetObjectKind().GroupVersionKind().Kind
		file := File{Name: strings.ToLower(kind) + "-" + o.GetName() + ".yaml", Data: data, Mode: 0o644}
		if kind == "Secret" {
			file.Mode = 0o600
		}
		files = append(files, file)
		kustomization.Resources = append(kustomization.Resources, file.Name)
	}
	data, err := yaml.Marshal(kustomization)
	if err != nil {
		return nil, fmt.Errorf("writing kustomization.yaml: %w", err)
	}
	return append(files, File{Name: "kustomization.yaml", Data: data, Mode: 0o644}), nil
}

// marshal writes one object without its status, which is the cluster's to say.
func marshal(o Object) ([]byte, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", o.GetName(), err)
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return nil, fmt.Errorf("writing %s: %w", o.GetName(), err)
	}
	delete(fields, "status")
	if data, err = json.Marshal(fields); err != nil {
		return nil, fmt.Errorf("writing %s: %w", o.GetName(), err)
	}
	return yaml.JSONToYAML(data)
}
