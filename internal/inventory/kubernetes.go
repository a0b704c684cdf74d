package inventory

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Kubernetes is what the family needs around its images when it runs.
type Kubernetes struct {
	Services      []KubernetesService `json:"services,omitempty"`
	Storage       *Storage            `json:"storage,omitempty"`
	NetworkPolicy Value               `json:"networkPolicy"`
}

// A KubernetesService is a Service that containers find in their environment.
type KubernetesService struct {
	Name string `json:"name"`
	At   string `json:"at"`
	// Port is the port in the spec or, by default, the default of the environment's variable for the Service's port.
	Port     Value   `json:"port"`
	Selector []Named `json:"selector,omitempty"`
	External *Value  `json:"external,omitempty"`
}

// Storage is what images share.
type Storage struct {
	Size    Value   `json:"size"`
	Access  Value   `json:"access"`
	Class   *Value  `json:"class,omitempty"`
	Volumes []Value `json:"volumes"`
}

// A Workload is how containers of an image run.
type Workload struct {
	Kind             Value             `json:"kind"`
	Schedule         *Value            `json:"schedule,omitempty"`
	Readiness        *Value            `json:"readiness,omitempty"`
	Singleton        Value             `json:"singleton"`
	Replicas         Value             `json:"replicas"`
	Grace            Value             `json:"grace"`
	DisruptionBudget *DisruptionBudget `json:"disruptionBudget,omitempty"`
	Spread           *Value            `json:"spread,omitempty"`
	Capabilities     []Value           `json:"capabilities,omitempty"`
	Resources        *Resources        `json:"resources,omitempty"`
}

// A DisruptionBudget bounds how many containers may be taken away at once.
type DisruptionBudget struct {
	MinAvailable   *Value `json:"minAvailable,omitempty"`
	MaxUnavailable *Value `json:"maxUnavailable,omitempty"`
}

// Resources are what a container asks for and what it may have, by the name of the resource.
type Resources struct {
	Requests []Named `json:"requests,omitempty"`
	Limits   []Named `json:"limits,omitempty"`
}

func (l lister) kubernetes(f *family.Family) *Kubernetes {
	declared := f.Spec.Kubernetes
	if declared == nil {
		return nil
	}
	out := &Kubernetes{NetworkPolicy: l.orBuiltIn(f.Kubernetes.NetworkPolicy, declared.NetworkPolicy, declared.At)}
	services := byName(declared.Services)
	for _, s := range f.Kubernetes.Services {
		out.Services = append(out.Services, l.kubernetesService(f, s, services[s.Name]))
	}
	if s := f.Kubernetes.Storage; s != nil {
		out.Storage = l.storage(*s, *declared.Storage)
	}
	return out
}

func (l lister) kubernetesService(f *family.Family, s family.KubernetesService, declared spec.Named[spec.KubernetesService]) KubernetesService {
	out := KubernetesService{
		Name:     s.Name,
		At:       l.at(declared.Name.At),
		Port:     Value{fmt.Sprint(s.Port), Origin{Source: FromSpec, At: l.at(declared.Value.At)}},
		External: l.optional(s.External, declared.Value.External, ""),
	}
	for _, v := range f.Spec.Environment {
		if declared.Value.Port == 0 && v.Name.Value == s.PortVariable() && v.Value.Default != nil {
			out.Port.Origin = l.origin(FromDefault, *v.Value.Default)
		}
	}
	for _, label := range declared.Value.Selector {
		out.Selector = append(out.Selector, Named{label.Name.Value, l.specValue(s.Selector[label.Name.Value], label.Value)})
	}
	return out
}

func (l lister) storage(s family.Storage, declared spec.Storage) *Storage {
	out := &Storage{
		Size:    l.specValue(s.Size, declared.Size),
		Access:  Value{s.Access, Origin{Source: BuiltIn}},
		Class:   l.optional(s.Class, declared.Class, ""),
		Volumes: l.words(s.Volumes, declared.Volumes),
	}
	if declared.Access.IsSet() {
		out.Access = l.specValue(s.Access, declared.Access)
	}
	return out
}

// workload lists how an image runs. The spec need not have anything of it.
func (l lister) workload(w family.Workload, declared *spec.Workload) *Workload {
	if declared == nil {
		declared = &spec.Workload{}
	}
	out := &Workload{
		Kind:         Value{string(w.Kind), Origin{Source: BuiltIn}},
		Schedule:     l.optional(w.Schedule, declared.Schedule, ""),
		Readiness:    l.optional("services", declared.Readiness, ""),
		Singleton:    l.orBuiltIn(w.Singleton, declared.Singleton, declared.At),
		Replicas:     l.orBuiltIn(w.Replicas, declared.Replicas > 0, declared.At),
		Grace:        l.orBuiltIn(w.Grace, declared.Grace > 0, declared.At),
		Spread:       l.optional(w.SpreadOver, declared.Spread, ""),
		Capabilities: l.words(w.DeclaredCapabilities, declared.Capabilities),
	}
	if b := w.DisruptionBudget; b != nil {
		out.DisruptionBudget = &DisruptionBudget{
			MinAvailable:   l.share(b.MinAvailable, declared.DisruptionBudget.MinAvailable, declared.DisruptionBudget.At),
			MaxUnavailable: l.share(b.MaxUnavailable, declared.DisruptionBudget.MaxUnavailable, declared.DisruptionBudget.At),
		}
	}
	if declared.Kind.IsSet() {
		out.Kind = l.specValue(string(w.Kind), declared.Kind)
	}
	if len(w.Requests)+len(w.Limits) > 0 {
		out.Resources = &Resources{
			Requests: l.amounts(w.Requests, declared.Resources.Requests),
			Limits:   l.amounts(w.Limits, declared.Resources.Limits),
		}
	}
	return out
}

// share lists a number of containers or a percentage. The place of a number is the object that has it.
func (l lister) share(value string, declared spec.Share, in spec.Range) *Value {
	if declared.Number > 0 {
		return new(l.orBuiltIn(value, true, in))
	}
	return l.optional(value, declared.Percentage, "")
}

// amounts lists amounts in the order of their names.
func (l lister) amounts(values map[string]string, declared spec.Amounts) []Named {
	texts := map[string]spec.Text{"cpu": declared.CPU, "memory": declared.Memory, "ephemeral-storage": declared.EphemeralStorage}
	var out []Named
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, Named{name, l.specValue(values[name], texts[name])})
	}
	return out
}
