package kubernetes

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pulpimg/pulpimg/internal/shell"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// storageVolume is the name of the shared storage in a pod.
const storageVolume = "storage"

// storage returns the claim on the storage that images share, if one of them uses it.
func (b *builder) storage() []Object {
	s := b.family.Kubernetes.Storage
	if s == nil || !slices.ContainsFunc(b.images, func(i *family.Image) bool { return len(i.Workload.Volumes) > 0 }) {
		return nil
	}
	claim := &corev1.PersistentVolumeClaim{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: b.meta(b.claimName(), b.claimName()),
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.PersistentVolumeAccessMode(s.Access)},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(s.Size)}, // pkg/family has checked it
			},
		},
	}
	if s.Class != "" {
		claim.Spec.StorageClassName = &s.Class
	}
	return []Object{claim}
}

func (b *builder) claimName() string { return objectName(b.family.Name) + "-storage" }

// mountStorage gives the containers of a pod the volumes that the image shares, each in a directory of its own in the claim.
func (b *builder) mountStorage(pod *corev1.PodSpec, image *family.Image) {
	volumes := image.Workload.Volumes
	if len(volumes) == 0 {
		return
	}
	pod.Volumes = append(pod.Volumes, corev1.Volume{Name: storageVolume, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: b.claimName()},
	}})
	main := &pod.Containers[0]
	for _, v := range volumes {
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: storageVolume, MountPath: v.Path, SubPath: v.Name})
	}
	pod.InitContainers = append(pod.InitContainers, corev1.Container{
		Name:            storageVolume,
		Image:           main.Image,
		ImagePullPolicy: main.ImagePullPolicy,
		Command:         []string{"/bin/sh", "-ceu", fillScript(volumes)},
		Env: []corev1.EnvVar{{Name: "POD", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{
			APIVersion: "v1", FieldPath: "metadata.name",
		}}}},
		VolumeMounts: []corev1.VolumeMount{{Name: storageVolume, MountPath: storageDir}},
		Resources:    main.Resources,
		// It copies files of any owner with their owners and modes.
		SecurityContext: rootWith("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"),
	})
}

// storageDir is where the container that fills the storage has all of it.
const storageDir = "/storage"

// fillScript copies what the image has at its volumes into a storage that does not have them yet, owners and modes included: an empty
// storage would hide it, and Kubernetes, unlike docker, does not copy it. The last step is a rename, so that of several pods that begin
// at the same time one comes first, and no half of a copy is ever taken for a whole one. A volume
// that is a link in the image is copied from where the link leads.
func fillScript(volumes []family.Volume) string {
	var b strings.Builder
	b.WriteString(`fill() {
    [ ! -d "$2" ] || return 0
    new=` + storageDir + `/.new.$POD
    rm -rf "$new"
    if [ -d "$1" ]; then cp -a "$1/." "$new"; else mkdir "$new"; fi
    mv -T "$new" "$2" 2>/dev/null || [ -d "$2" ]
    rm -rf "$new"
}
`)
	for _, v := range volumes {
		b.WriteString("fill " + shell.Words([]string{v.Path, path.Join(storageDir, v.Name)}) + "\n")
	}
	return b.String()
}
