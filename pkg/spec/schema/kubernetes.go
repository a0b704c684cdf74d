package schema

import (
	"time"
)

// DefaultGrace is how long a container may take to end when a spec says nothing else, as in Kubernetes.
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
const DefaultGrace = 30 * time.Second

// AccessModes returns the ways in which containers can share storage; the first is the default.
// https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
func AccessModes() []string { return []string{"ReadWriteMany", "ReadWriteOnce"} }

// WorkloadKinds returns the kinds of objects that run containers of an image.
// https://kubernetes.io/docs/concepts/workloads/controllers/
func WorkloadKinds() []string {
	return []string{"deployment", "statefulset", "daemonset", "job", "cronjob"}
}

// Spreads returns what containers of an image can be spread over.
func Spreads() []string { return []string{"host", "zone"} }

// dnsSubdomain is the form of most names in Kubernetes.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
const dnsSubdomain = `[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*`

// Names and amounts of Kubernetes.
var (
	// KubernetesService is a DNS label. https://www.rfc-editor.org/rfc/rfc1035#section-2.3.1
	KubernetesService = Form{"kubernetesService", `[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?`, "small letters, digits and `-`, beginning with a letter, 63 at most"}
	// KubernetesLabel and KubernetesLabelValue are the two sides of a label of an object.
	// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
	KubernetesLabel      = Form{"kubernetesLabel", `(?:` + dnsSubdomain + `/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?`, "letters, digits, `-`, `_` and `.`, perhaps with `DOMAIN/` before them"}
	KubernetesLabelValue = Form{"kubernetesLabelValue", `(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?`, "letters, digits, `-`, `_` and `.`, 63 at most"}
	// ExternalHost is a host name or an address. Which addresses lead somewhere, a pattern cannot say.
	ExternalHost = Form{"externalHost", dnsSubdomain + `|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*`, "a host name or an address"}
	StorageClass = Form{"storageClass", dnsSubdomain, "small letters, digits, `-` and `.`"}
	// Capability is a capability of Linux without CAP_, with which none begins.
	Capability = Form{"capability", `(?:[ABD-Z_]|C[B-Z_]|CA[A-OQ-Z_]|CAP[A-Z])[A-Z_]*|C|CA|CAP`, "capital letters and `_`, without `CAP_`"}
	// Bytes and Processors are parts of Kubernetes' notation.
	// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
	Bytes      = Form{"bytes", `[1-9][0-9]{0,14}|(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,3})?(?:k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)`, "a number of bytes, with `Mi`, `Gi` and so on"}
	Processors = Form{"processors", `(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,3})?|[1-9][0-9]{0,8}m`, "a number of processors, or of thousandths with `m`"}
	AccessMode = Form{"accessMode", oneOf(AccessModes()), list(AccessModes())}
	// WorkloadKind is a kind of object that runs containers, in small letters.
	WorkloadKind = Form{"workloadKind", oneOf(WorkloadKinds()), list(WorkloadKinds())}
	// Schedule is what a CronJob takes. That a range goes up, a pattern cannot say.
	Schedule = Form{"schedule", schedulePattern(), "five fields, the minute, hour, day, month and day of the week, or `@hourly`, `@daily`, `@weekly`, `@monthly` or `@yearly`"}
	// Percentage is a share of the containers of an image.
	Percentage = Form{"percentage", `(?:[1-9]?[0-9]|100)%`, "a percentage"}
	// SpreadOver is what containers are spread over.
	SpreadOver = Form{"spread", oneOf(Spreads()), list(Spreads())}
	// Readiness is the only way to be ready that has to be asked for.
	Readiness = Form{"readiness", "services", "`services`"}
)

func kubernetes() *Object {
	return &Object{
		Name:        "kubernetes",
		Description: "What the family needs around its images when it runs.",
		Keys: []Key{
			{Name: "services", Type: Map{Names: KubernetesService, Values: kubernetesService(), Key: "NAME"}, Default: "{}", Example: "{ db: { port: 5432 } }",
				Description: "Services of the cluster. Containers find each as `NAME_SERVICE_HOST` and `NAME_SERVICE_PORT`; the first has to be declared under `environment`."},
			{Name: "storage", Type: storage(), Example: "{ size: 100Gi, volumes: [/var/lib/app] }",
				Description: "A file system that containers share and that outlives them."},
			{Name: "networkPolicy", Type: Boolean{}, Default: "false", Example: "true",
				Description: "Containers of each image are reached at its `ports` only, and those of an image without any are not reached at all."},
		},
	}
}

func kubernetesService() *Object {
	return &Object{
		Name:        "kubernetes service",
		Description: "A Service of the cluster. One that leads nowhere is somebody else's.",
		Nullable:    true,
		Keys: []Key{
			{Name: "port", Type: Count{}, Example: "5432", Description: "Its port, from 1 to 65535. Left out, the default of `NAME_SERVICE_PORT`."},
			{Name: "selector", Type: Map{Names: KubernetesLabel, Values: String{Form: KubernetesLabelValue, Scope: AtBuild}, NonEmpty: true, Key: "LABEL"},
				Example: "{ app: postgres }", Description: "Labels of the pods that it leads to."},
			{Name: "external", Type: String{Form: ExternalHost, Scope: AtBuild}, Example: "db.example.com",
				Description: "The host name or address outside the cluster that it leads to."},
		},
		Rules: []Rule{
			{Kind: None, If: Condition{"selector", Set}, Conditions: []Condition{{"external", Set}}, Description: "One with a `selector` is not `external`."},
		},
	}
}

func storage() *Object {
	return &Object{
		Name:        "storage",
		Description: "A file system that containers share and that outlives them.",
		Keys: []Key{
			{Name: "size", Required: true, Type: String{Form: Bytes, Scope: AtBuild}, Example: "100Gi", Description: "How much it holds."},
			{Name: "access", Type: String{Form: AccessMode, Scope: AtBuild}, Default: AccessModes()[0], Example: "ReadWriteOnce",
				Description: "From where it is used: from all nodes, or from one."},
			{Name: "class", Type: String{Form: StorageClass, Scope: AtBuild}, Example: "fast", Description: "The storage class. Left out, that of the cluster."},
			{Name: "volumes", Required: true, Type: nonEmptyWords(Path, AtBuild), Example: "[/var/lib/app]",
				Description: "What is kept in it; an image has to have each of them under `volumes`."},
		},
	}
}

func workload() *Object {
	return &Object{
		Name:        "workload",
		Description: "How containers of an image run. Not inherited.",
		Keys: []Key{
			{Name: "kind", Type: String{Form: WorkloadKind, Scope: AtBuild}, Example: "job",
				Description: "What runs them. Left out, it follows from the image: one with `ports`, without `volumes` and not a `singleton` is a `deployment` that is updated pod by pod, a `singleton` is a `deployment` of one pod, and any other image is a `statefulset`."},
			{Name: "schedule", Type: String{Form: Schedule, Scope: AtBuild}, Example: `"0 3 * * *"`,
				Description: "When a `cronjob` runs, in UTC."},
			{Name: "readiness", Type: String{Form: Readiness, Scope: AtBuild}, Example: "services",
				Description: "`services`: a container is ready as long as the services answer that it waits for when it starts. Left out, it is ready by its `healthcheck` or, if it has none, when its first TCP port is open."},
			{Name: "singleton", Type: Boolean{}, Default: "false", Example: "true", Description: "There are never two at a time."},
			{Name: "replicas", Type: Count{}, Default: "1", Example: "2", Description: "How many there are."},
			{Name: "grace", Type: Duration{}, Default: DefaultGrace.String(), Example: "10m",
				Description: "How long one may take to end after it was told to, in whole seconds."},
			{Name: "disruptionBudget", Type: disruptionBudget(), Example: "{ maxUnavailable: 1 }",
				Description: "How many may be taken away at once, as when nodes are emptied."},
			{Name: "spread", Type: String{Form: SpreadOver, Scope: AtBuild}, Example: "host",
				Description: "What they are spread over, as far as there is room: nodes (`host`) or zones (`zone`)."},
			{Name: "capabilities", Type: words(Capability, AtBuild), Example: "[NET_BIND_SERVICE]",
				Description: "What its commands may do, besides what its start is granted; `[]` for nothing. Left out, it follows from `ports` below 1024 and from whether the commands are root's. All others are dropped."},
			{Name: "resources", Type: resources(), Default: "{}", Example: "{ requests: { memory: 512Mi } }", Description: "What one asks for and what it may have."},
		},
		Rules: []Rule{
			{Kind: None, If: Condition{"singleton", True}, Conditions: []Condition{{"replicas", Set}}, Description: "A `singleton` has no `replicas`."},
			{Kind: AtLeastOne, If: Condition{"kind", isWord("cronjob")}, Conditions: []Condition{{"schedule", Set}}, Description: "A `cronjob` needs a `schedule`."},
			{Kind: AtLeastOne, If: Condition{"schedule", Set}, Conditions: []Condition{{"kind", Set}}, Description: "A `schedule` needs `kind: cronjob`."},
			{Kind: None, If: Condition{"schedule", Set}, Conditions: kindIs("deployment", "statefulset", "daemonset", "job"), Description: "No other kind has a `schedule`."},
			{Kind: None, If: Condition{"singleton", True}, Conditions: kindIs("daemonset", "job", "cronjob"), Description: "A `singleton` is a `deployment` or a `statefulset`."},
			{Kind: None, If: Condition{"replicas", Set}, Conditions: kindIs("daemonset", "job", "cronjob"), Description: "Only a `deployment` or a `statefulset` has `replicas`."},
			{Kind: None, If: Condition{"singleton", True}, Conditions: []Condition{{"spread", Set}}, Description: "A `singleton` is not `spread`."},
			{Kind: None, If: Condition{"spread", Set}, Conditions: kindIs("daemonset", "job", "cronjob"), Description: "Only a `deployment` or a `statefulset` is `spread`."},
			{Kind: None, If: Condition{"disruptionBudget", Set}, Conditions: kindIs("daemonset", "job", "cronjob"), Description: "Only a `deployment` or a `statefulset` has a `disruptionBudget`."},
			{Kind: None, If: Condition{"readiness", Set}, Conditions: kindIs("job", "cronjob"), Description: "A `job` and a `cronjob` have no `readiness`."},
		},
	}
}

// kindIs returns a condition for each of some kinds.
func kindIs(kinds ...string) []Condition {
	var out []Condition
	for _, k := range kinds {
		out = append(out, Condition{"kind", isWord(k)})
	}
	return out
}

func disruptionBudget() *Object {
	share := func() Type { return OneOf{Count{}, String{Form: Percentage, Scope: AtBuild}} }
	return &Object{
		Name:        "disruption budget",
		Description: "How many containers may be taken away at once, as when nodes are emptied.",
		Keys: []Key{
			{Name: "minAvailable", Type: share(), Example: `"50%"`, Description: "How many have to be left, or which part of all, rounded up. Of several, not all: their nodes could never be emptied."},
			{Name: "maxUnavailable", Type: share(), Example: "1", Description: "How many may be away, or which part of all, rounded up; not `0%`."},
		},
		Rules: []Rule{
			{Kind: ExactlyOne, Conditions: []Condition{{"minAvailable", Set}, {"maxUnavailable", Set}}, Description: "There is `minAvailable` or `maxUnavailable`."},
		},
	}
}

func resources() *Object {
	of := func() *Object {
		return &Object{
			Name:        "amounts",
			Description: "Amounts of resources, in the notation of Kubernetes.",
			Keys: []Key{
				{Name: "cpu", Type: String{Form: Processors, Scope: AtBuild}, Example: `"0.5"`, Description: "Processors. A number needs quotes."},
				{Name: "memory", Type: String{Form: Bytes, Scope: AtBuild}, Example: "512Mi", Description: "Memory."},
				{Name: "ephemeral-storage", Type: String{Form: Bytes, Scope: AtBuild}, Example: "1Gi", Description: "What it may write into its own file system."},
			},
		}
	}
	return &Object{
		Name:        "resources",
		Description: "What a container asks for and what it may have.",
		Keys: []Key{
			{Name: "requests", Type: of(), Default: "{}", Example: "{ cpu: 250m }", Description: "What the node has to have left for it."},
			{Name: "limits", Type: of(), Default: "{}", Example: "{ memory: 1Gi }", Description: "What it may not go beyond. Not less than `requests`."},
		},
	}
}
