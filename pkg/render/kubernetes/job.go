package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// job runs an image once. The template of a Job cannot be changed, so a digest of it is part of the name: a new image, or another value in the
// environment, is a new Job, and what did not change is the Job that is there and has ended.
// https://kubernetes.io/docs/concepts/workloads/controllers/job/
func (b *builder) job(image *family.Image) Object {
	name := objectName(image.Name)
	spec := b.jobSpec(image)
	return &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: b.meta(name+"-"+digest(spec), name),
		Spec:       spec,
	}
}

// jobSpec returns what runs an image until it has ended well. Its pods never run beside each other: one that is to end is gone before
// the next one starts.
// https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-replacement-policy
func (b *builder) jobSpec(image *family.Image) batchv1.JobSpec {
	return batchv1.JobSpec{PodReplacementPolicy: new(batchv1.Failed), Template: b.template(image)}
}

// digest returns what changes with the template of a Job. With it and the "-" before it, a name of maxName characters has the 63 that a label
// may have, which the pods get with the Job's name.
func digest(spec batchv1.JobSpec) string {
	data, err := json.Marshal(spec.Template)
	if err != nil {
		panic(err) // a template is plain data
	}
	sum := sha256.Sum256(data)
	const enough = 5 // bytes
	return hex.EncodeToString(sum[:enough])
}

// lateSeconds is by how much a run may be late. One that could not begin for longer, as while the cluster was down, is left out.
const lateSeconds = 3600

// cronJob runs an image at the times of a schedule, and never twice at a time.
// https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
func (b *builder) cronJob(image *family.Image) Object {
	name := objectName(image.Name)
	return &batchv1.CronJob{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "CronJob"},
		ObjectMeta: b.meta(name, name),
		Spec: batchv1.CronJobSpec{
			Schedule: image.Workload.Schedule,
			// A cluster's own time zone is that of its control plane.
			TimeZone:                new("Etc/UTC"),
			StartingDeadlineSeconds: new(int64(lateSeconds)),
			ConcurrencyPolicy:       batchv1.ForbidConcurrent,
			JobTemplate: batchv1.JobTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: b.labels(name)},
				Spec:       b.jobSpec(image),
			},
		},
	}
}

// restartPolicy is what becomes of a container that ended. One that cannot go on is tried again with growing pauses.
func restartPolicy(image *family.Image) corev1.RestartPolicy {
	if image.Workload.RunsOnce() {
		return corev1.RestartPolicyOnFailure
	}
	return corev1.RestartPolicyAlways
}
