package language

// unit is the end of an amount in the notation of Kubernetes.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
const unit = `(?:m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?`

// Forms of what is for Kubernetes.
var (
	// ServiceName is a DNS label. https://www.rfc-editor.org/rfc/rfc1035#section-2.3.1
	ServiceName = Form{"serviceName", `[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?`, "small letters, digits and `-`, beginning with a letter"}
	Quantity    = Form{"quantity", `(?:[1-9][0-9]{0,14}|0)(?:\.[0-9]{1,3})?` + unit, "a number, and `m`, `Mi` or `Gi` behind it"}
	Size        = Form{"size", `(?:[1-9][0-9]{0,14}(?:\.[0-9]{1,3})?|0\.(?:[1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))` + unit, "a number over 0, and `Mi`, `Gi` or `Ti` behind it"}
	Resource    = Form{"resource", `cpu|memory|ephemeral-storage`, "`cpu`, `memory` or `ephemeral-storage`"}
	ClassName   = Form{"className", `[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?`, "the name of a storage class"}
	// Capability has no CAP_ before it, which a pattern without look-ahead cannot say.
	Capability = Form{"capability", `[A-Z][A-Z_]*`, "the name of a capability without `CAP_`"}
	Host       = Form{"host", `[a-z0-9](?:[a-z0-9.:-]{0,251}[a-z0-9])?`, "a host name or an address"}
	// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
	PodLabel      = Form{"podLabel", `(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?`, "the name of a label of Kubernetes"}
	PodLabelValue = Form{"podLabelValue", `(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?`, "the value of a label of Kubernetes"}
	Access        = Form{"access", `ReadWriteMany|ReadWriteOnce`, "`ReadWriteMany` or `ReadWriteOnce`"}
)

func kubernetes() *Object {
	return &Object{
		Name:        "kubernetes",
		Description: "What the family needs around its images when it runs: in a cluster, and on one machine as far as that has the same.",
		Keys: []Key{
			{Name: "services", Type: Map{Names: ServiceName, Of: kubernetesService(), Key: "NAME"}, Default: "{}",
				Example:     `{ db: { port: 5432, selector: { app: postgres } } }`,
				Description: "Services whose host and port containers find in their environment, as `NAME_SERVICE_HOST` and `NAME_SERVICE_PORT`. The first has to be declared under `environment`."},
			{Name: "storage", Type: storage(), Example: "{ size: 10Gi, volumes: [/var/lib/app] }",
				Description: "A file system that containers share."},
		},
	}
}

func kubernetesService() *Object {
	return &Object{
		Name:        "kubernetes service",
		Description: "A Service. With neither `selector` nor `external`, it is somebody else's.",
		Nullable:    true,
		Keys: []Key{
			{Name: "port", Type: Count{}, Example: "5432",
				Description: "Its port. Left out, the default of `NAME_SERVICE_PORT`."},
			{Name: "selector", Type: Map{Names: PodLabel, Of: String{Form: PodLabelValue, Reach: AtBuild}, Key: "LABEL"}, Default: "{}",
				Example:     "{ app: postgres }",
				Description: "The labels of the pods behind it."},
			{Name: "external", Type: String{Form: Host, Reach: AtBuild}, Example: "db.example.com",
				Description: "The host name or address of what is outside the cluster."},
		},
		Rules: []Rule{
			{Kind: None, If: Condition{"selector", Filled}, Of: []Condition{{"external", Set}}, Says: "`selector` excludes `external`."},
		},
	}
}

func storage() *Object {
	return &Object{
		Name:        "storage",
		Description: "A file system that containers share, and that outlives them.",
		Keys: []Key{
			{Name: "size", Required: true, Type: String{Form: Size, Reach: AtBuild}, Example: "10Gi",
				Description: "How large it is."},
			{Name: "access", Type: String{Form: Access, Reach: AtBuild}, Default: "ReadWriteMany", Example: "ReadWriteOnce",
				Description: "How containers share it."},
			{Name: "class", Type: String{Form: ClassName, Reach: AtBuild}, Example: "fast",
				Description: "The storage class. Left out, that of the cluster."},
			{Name: "volumes", Required: true, Type: filledWords(Path, AtBuild), Example: "[/var/lib/app]",
				Description: "The volumes of images that are kept in it."},
		},
	}
}

func workload() *Object {
	return &Object{
		Name:        "workload",
		Description: "How containers of an image run.",
		Keys: []Key{
			{Name: "singleton", Type: Boolean{}, Default: "false", Example: "true",
				Description: "There must never be two at a time."},
			{Name: "replicas", Type: Count{}, Default: "1", Example: "3",
				Description: "How many there are."},
			{Name: "grace", Type: Duration{}, Default: "30s", Example: "10m",
				Description: "How long a container may take to end after it was told to, in whole seconds."},
			{Name: "capabilities", Type: words(Capability, AtBuild), Default: "[]", Example: "[KILL]",
				Description: "What the commands need besides what the `start` needs, without `CAP_`."},
			{Name: "resources", Type: resources(), Default: "{}", Example: "{ requests: { cpu: 100m } }",
				Description: "What a container gets."},
		},
		Rules: []Rule{
			{Kind: None, If: Condition{"singleton", True}, Of: []Condition{{"replicas", Several}}, Says: "A `singleton` has one replica."},
		},
	}
}

func resources() *Object {
	amounts := func() Map {
		return Map{Names: Resource, Of: String{Form: Quantity, Reach: AtBuild}, Key: "RESOURCE"}
	}
	return &Object{
		Name:        "resources",
		Description: "Amounts in the notation of Kubernetes.",
		Keys: []Key{
			{Name: "requests", Type: amounts(), Default: "{}", Example: "{ cpu: 100m, memory: 256Mi }", Description: "What a container has for certain."},
			{Name: "limits", Type: amounts(), Default: "{}", Example: "{ memory: 1Gi }", Description: "What it never gets more of."},
		},
	}
}
