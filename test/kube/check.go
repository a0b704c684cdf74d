package kube

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/job"
	"k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/api/service"
	"k8s.io/kubernetes/pkg/apis/apps"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/discovery"
	discoveryvalidation "k8s.io/kubernetes/pkg/apis/discovery/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
)

// check calls the API server's validation of an object's kind. The strategies of k8s.io/kubernetes/pkg/registry, which call it there, are
// not used because they take ten times as long to compile; what they do besides is to drop what is switched off.
func check(object runtime.Object) (errs field.ErrorList, warnings []string) {
	ctx, template := context.Background(), field.NewPath("spec", "template")
	switch o := object.(type) {
	case *core.Pod:
		options := pod.GetValidationOptionsFromPodSpecAndMeta(&o.Spec, nil, &o.ObjectMeta, nil)
		return corevalidation.ValidatePodCreate(o, options), pod.GetWarningsForPod(ctx, o, nil)
	case *apps.Deployment:
		options := pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)
		return appsvalidation.ValidateDeployment(o, options), pod.GetWarningsForPodTemplate(ctx, template, &o.Spec.Template, nil)
	case *apps.StatefulSet:
		options := pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)
		return appsvalidation.ValidateStatefulSet(o, appsvalidation.StatefulSetValidationOptions{}, options),
			pod.GetWarningsForPodTemplate(ctx, template, &o.Spec.Template, nil)
	case *core.Service:
		if o.Spec.ClusterIP != "" { // as the API server's storage does
			o.Spec.ClusterIPs = []string{o.Spec.ClusterIP}
		}
		return corevalidation.ValidateServiceCreate(o), service.GetWarningsForService(o, nil)
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o), nil
	case *core.Secret:
		return corevalidation.ValidateSecret(o), nil
	case *core.PersistentVolumeClaim:
		return corevalidation.ValidatePersistentVolumeClaim(o, corevalidation.ValidationOptionsForPersistentVolumeClaimCreate()), nil
	case *apps.DaemonSet:
		options := pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)
		return appsvalidation.ValidateDaemonSet(o, options), pod.GetWarningsForPodTemplate(ctx, template, &o.Spec.Template, nil)
	case *batch.Job:
		selectOwnPods(o)
		options := batchvalidation.JobValidationOptions{
			PodValidationOptions: pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil), RequirePrefixedLabels: true,
		}
		return batchvalidation.ValidateJobCreate(o, options), job.WarningsForJobSpec(ctx, field.NewPath("spec"), &o.Spec, nil)
	case *batch.CronJob:
		options := pod.GetValidationOptionsFromPodTemplate(&o.Spec.JobTemplate.Spec.Template, nil)
		return batchvalidation.ValidateCronJobCreate(o, options),
			job.WarningsForJobSpec(ctx, field.NewPath("spec", "jobTemplate", "spec"), &o.Spec.JobTemplate.Spec, nil)
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(o, policyvalidation.PodDisruptionBudgetValidationOptions{}), nil
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.NetworkPolicyValidationOptions{}), nil
	case *discovery.EndpointSlice:
		return discoveryvalidation.ValidateEndpointSliceCreate(o), nil
	}
	return field.ErrorList{field.InternalError(nil, fmt.Errorf("%T is no kind that pulpimg makes", object))}, nil
}

// selectOwnPods lets a Job know its pods, as the API server's storage does.
func selectOwnPods(o *batch.Job) {
	o.UID = "1"
	for label, value := range map[string]string{
		batch.LegacyJobNameLabel: o.Name, batch.JobNameLabel: o.Name,
		batch.LegacyControllerUidLabel: string(o.UID), batch.ControllerUidLabel: string(o.UID),
	} {
		o.Spec.Template.Labels[label] = value
	}
	o.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{batch.ControllerUidLabel: string(o.UID)}}
}
