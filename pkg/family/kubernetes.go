package family

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// Kubernetes is what the family needs around its images when it runs.
type Kubernetes struct {
	// Services are the Services whose host and port containers find in their environment.
	Services []KubernetesService
	// Storage is what the images share, or nil.
	Storage *Storage
	// NetworkPolicy says that containers are reached at the ports of their image only.
	NetworkPolicy bool
}

// A KubernetesService is a Service called NAME. The kubelet gives it to containers as NAME_SERVICE_HOST and NAME_SERVICE_PORT.
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
type KubernetesService struct {
	Name string
	Port int
	// Selector has the labels of the pods behind the Service, and External is a host name or an address outside the cluster. At most one of
	// them is set. If neither is, the Service is not part of the family's objects.
	Selector map[string]string
	External string
	At       spec.Range
}

// HostVariable is the variable that says at which address the Service is.
func (s KubernetesService) HostVariable() string { return s.Variable("SERVICE_HOST") }

// PortVariable is the variable that says at which port the Service is.
func (s KubernetesService) PortVariable() string { return s.Variable("SERVICE_PORT") }

// Variable returns the name of one of the variables that the kubelet sets for the Service, such as "SERVICE_HOST".
func (s KubernetesService) Variable(what string) string { return inVariables(s.Name + "_" + what) }

// inVariables returns a name in the form that it has in names of variables.
func inVariables(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// linkVariable is the rest of a variable that the kubelet also sets for a Service, behind its name, as Docker did for linked containers.
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
var linkVariable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`)
})

// links returns the variables that have names such as those that the kubelet sets for a Service besides its host and port, by the part of
// their names that would be the name of the Service.
func links(variables []string) map[string][]string {
	out := map[string][]string{}
	for _, name := range variables {
		for at := range name {
			if strings.HasPrefix(name[at:], "_PORT") && linkVariable().MatchString(name[at:]) {
				out[name[:at]] = append(out[name[:at]], name)
			}
		}
	}
	return out
}

// maxDNSSubdomain is how long most names in Kubernetes may be.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
const maxDNSSubdomain = 253

// A shortForm is a form for strings that are no longer than a name in Kubernetes may be.
type shortForm struct{ schemaForm }

// MatchString implements form.
func (f shortForm) MatchString(s string) bool {
	return len(s) <= maxDNSSubdomain && f.schemaForm.MatchString(s)
}

// A schemaForm is a form that package schema describes. It is compiled when it is first used: most specs need few of them.
type schemaForm func() *regexp.Regexp

func formOf(f schema.Form) schemaForm { return sync.OnceValue(f.Regexp) }

// MatchString implements form.
func (f schemaForm) MatchString(s string) bool { return f().MatchString(s) }

// The forms that package schema describes.
var (
	serviceName  = formOf(schema.KubernetesService)
	bytesAmount  = shortForm{formOf(schema.Bytes)}
	cpuAmount    = shortForm{formOf(schema.Processors)}
	className    = shortForm{formOf(schema.StorageClass)}
	capability   = shortForm{formOf(schema.Capability)}
	externalHost = formOf(schema.ExternalHost)
	labelKey     = formOf(schema.KubernetesLabel)
	labelValue   = shortForm{formOf(schema.KubernetesLabelValue)}
	schedule     = shortForm{formOf(schema.Schedule)}
	percentage   = shortForm{formOf(schema.Percentage)}
)

// kubernetes returns what the family declares, whose images are resolved.
func (r *resolver) kubernetes(images []*Image) Kubernetes {
	var k Kubernetes
	declared := r.spec.Kubernetes
	if declared == nil {
		return k
	}
	k.NetworkPolicy = declared.NetworkPolicy
	links := links(r.env.names())
	for _, s := range declared.Services {
		if r.budget.done() {
			break
		}
		k.Services = append(k.Services, r.kubernetesService(s, links))
	}
	if declared.Storage != nil {
		k.Storage = r.storage(*declared.Storage, images)
	}
	return k
}

// kubernetesService returns a Service. Declared variables that are a link of one are given by links.
func (r *resolver) kubernetesService(s spec.Named[spec.KubernetesService], links map[string][]string) KubernetesService {
	service := KubernetesService{
		Name:     s.Name.Value,
		Port:     s.Value.Port,
		External: r.external(s.Value.External),
		At:       s.Value.At,
	}
	if !serviceName.MatchString(service.Name) {
		r.report.Add(s.Name.At, "use small letters, digits and '-', and begin with a letter", "%q is no name for a Service", service.Name)
		return service
	}
	for _, label := range s.Value.Selector {
		if service.Selector == nil {
			service.Selector = map[string]string{}
		}
		if !labelKey.MatchString(label.Name.Value) {
			r.report.Add(label.Name.At, "", "%q is no name for a label", label.Name.Value)
		}
		service.Selector[label.Name.Value] = r.matchForm(label.Value, labelValue, "value for a label")
	}
	if _, ok := r.substitute.env[service.HostVariable()]; !ok {
		r.report.Add(s.Name.At, spec.DidYouMean(service.HostVariable(), r.env.names()),
			"a Service called %s gives containers the variable %s, which is not declared under environment", service.Name, service.HostVariable())
	}
	for _, name := range links[inVariables(service.Name)] {
		r.report.Add(s.Name.At, "give the variable or the Service another name",
			`for a Service called %s, Kubernetes itself sets the variable %s, such as to "tcp://10.0.0.1:5432"; it is declared under environment`,
			service.Name, name)
	}
	if service.Port == 0 {
		service.Port = r.portByDefault(service)
	}
	if service.Port < 1 || service.Port > 65535 {
		r.report.Add(s.Name.At, "such as port: 5432", "the Service %s needs a port from 1 to 65535: neither its key port nor the default of %s is one",
			service.Name, service.PortVariable())
	}
	return service
}

func (r *resolver) external(t spec.Text) string {
	host, ok := r.substitute.expand(t, atBuild)
	if problem := ExternalProblem(host); t.IsSet() && ok && problem != "" {
		r.report.Add(t.At, "", "%q %s", host, problem)
	}
	return host
}

// ExternalProblem returns why a Service cannot lead to a host outside the cluster, or an empty string when it can.
// https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
func ExternalProblem(host string) string {
	switch address, err := netip.ParseAddr(host); {
	case err != nil:
		if !externalHost.MatchString(host) || strings.Contains(host, ":") || len(host) > maxDNSSubdomain {
			return "is no host name or address"
		}
	case address.Zone() != "" || address.Is4In6():
		return "is an address in a form that no Service takes"
	case address.IsLoopback() || address.IsUnspecified() || address.IsLinkLocalUnicast() || address.IsMulticast():
		return "is an address that means another machine on each machine, or no machine at all: use the address of one host"
	}
	return ""
}

// portByDefault returns the port that containers take when they are told no other, or 0.
func (r *resolver) portByDefault(s KubernetesService) int {
	for _, v := range r.env.variables {
		if v.Name == s.PortVariable() && v.Default != nil {
			port, _ := strconv.Atoi(*v.Default) // what is no number is no port
			return port
		}
	}
	return 0
}
