package kubernetes

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A secretSource is a key of a Secret. If it has a content, the Secret is one that is printed here.
type secretSource struct {
	SecretKey
	content []byte
}

// secretSources returns where secret variables and files come from: the key that is named for one of them, or else what was given for it, or the
// Secret that is there already. What was given and is to come from another Secret is a [TwoSourcesError]; what Kubernetes does not take as one
// Secret is an error, too.
func (b *builder) secretSources() (map[string]secretSource, error) {
	given := map[string][]byte{}
	for _, v := range b.family.Contract.Environment {
		if v.Secret {
			given[v.Name] = []byte(b.options.Values[v.Name])
		}
	}
	for _, image := range b.images {
		for _, s := range image.Workload.Secrets {
			given[s.ID] = nil
		}
	}
	maps.Copy(given, b.options.Files) // those of other images, too: there is one Secret, and one without them would take the place of theirs
	out, size := map[string]secretSource{}, 0
	for _, name := range slices.Sorted(maps.Keys(given)) {
		content := given[name]
		key, ok := b.options.Keys[name]
		if !ok {
			key = SecretKey{Secret: b.options.Secret, Key: name}
		}
		switch {
		case key.Secret != "" && len(content) > 0:
			return nil, &TwoSourcesError{Name: name, Secret: key.Secret}
		case key.Secret != "":
			out[name] = secretSource{SecretKey: key}
		case len(content) > 0:
			key.Secret = objectName(b.family.Name)
			out[name] = secretSource{SecretKey: key, content: content}
			size += len(content)
		}
	}
	if size > corev1.MaxSecretSize {
		return nil, fmt.Errorf("the Secret would have %d bytes, and Kubernetes takes %d at most", size, corev1.MaxSecretSize)
	}
	return out, nil
}

// secret returns the Secret with what was given, or nil when there is nothing to put into one.
func (b *builder) secret() Object {
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: b.meta(objectName(b.family.Name), b.configMapName()),
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{},
	}
	for name, from := range b.secrets {
		if from.content != nil {
			secret.Data[name] = from.content // what stringData loses stays in the data of the cluster's Secret
		}
	}
	if len(secret.Data) == 0 {
		return nil
	}
	return secret
}

// secretEnv returns the variables that a container gets from Secrets, in the order of the spec. Those that are not required may be missing in a
// Secret that was there before.
func (b *builder) secretEnv(required []string) []corev1.EnvVar {
	var out []corev1.EnvVar
	for _, v := range b.family.Contract.Environment {
		from, ok := b.secrets[v.Name]
		if !ok {
			continue
		}
		ref := &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: from.Secret}, Key: from.Key}
		if from.content == nil && !slices.Contains(required, v.Name) {
			ref.Optional = new(true)
		}
		out = append(out, corev1.EnvVar{Name: v.Name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: ref}})
	}
	return out
}

// secretsVolume is the name of the volume with the secret files of a pod.
const secretsVolume = "secrets"

// mountSecrets gives a pod its secret files. Each is mounted by itself, so that what else the image has in its directory stays, and others may
// mount there, as webhooks do below /var/run/secrets. In return, a file stays as it was when its container started.
// https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath
func (b *builder) mountSecrets(pod *corev1.PodSpec, image *family.Image) {
	if len(image.Workload.Secrets) == 0 {
		return
	}
	main := &pod.Containers[0]
	items := map[string][]corev1.KeyToPath{}
	for _, s := range image.Workload.Secrets {
		from := b.secrets[s.ID]
		items[from.Secret] = append(items[from.Secret], corev1.KeyToPath{Key: from.Key, Path: s.ID})
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: secretsVolume, MountPath: s.Path, SubPath: s.ID, ReadOnly: true})
	}
	volume := &corev1.ProjectedVolumeSource{}
	for _, name := range slices.Sorted(maps.Keys(items)) {
		slices.SortFunc(items[name], func(a, b corev1.KeyToPath) int { return cmp.Compare(a.Path, b.Path) })
		volume.Sources = append(volume.Sources, corev1.VolumeProjection{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: items[name],
		}})
	}
	pod.Volumes = append(pod.Volumes, corev1.Volume{Name: secretsVolume, VolumeSource: corev1.VolumeSource{Projected: volume}})
}
