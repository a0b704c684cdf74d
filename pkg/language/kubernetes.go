package language

// dnsSubdomain is the form of most names in Kubernetes.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
const dnsSubdomain = `[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*`

// What amounts are made of, in Kubernetes' notation.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
const (
	wholeBytes = `[1-9][0-9]{0,14}`
	aboveZero  = `(?:[1-9][0-9]{0,8}(?:\.[0-9]{1,3})?|0\.(?:[1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))`
	number     = `(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,3})?`
	byteUnit   = `(?:k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)`
)

// Forms of what is for Kubernetes.
var (
	// ServiceName is a DNS label. https://www.rfc-editor.org/rfc/rfc1035#section-2.3.1
	ServiceName = Form{"serviceName", `[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?`, "small letters, digits and `-`, beginning with a letter"}
	Size        = Form{"size", wholeBytes + `|` + aboveZero + byteUnit, "a number over 0, and `Mi`, `Gi` or `Ti` behind it"}
	Bytes       = Form{"bytes", wholeBytes + `|` + number + byteUnit, "a number, and `Mi` or `Gi` behind it"}
	// Processors are counted down to a thousandth of one.
	Processors = Form{"processors", number + `|[1-9][0-9]{0,8}m`, "a number, or thousandths with `m` behind them"}
	// Quantity is what an amount may be, of whatever it is.
	Quantity  = Form{"quantity", Bytes.Pattern + `|` + Processors.Pattern, "a number, and `Mi` or `Gi` behind it; for `cpu`, nothing or `m`"}
	Resource  = Form{"resource", `cpu|memory|ephemeral-storage`, "`cpu`, `memory` or `ephemeral-storage`"}
	ClassName = Form{"className", dnsSubdomain, "the name of a storage class"}
	// Capability has no CAP_ before it, which a pattern without look-ahead cannot say.
	Capability = Form{"capability", `[A-Z][A-Z_]*`, "the name of a capability without `CAP_`"}
	HostName   = Form{"hostName", dnsSubdomain, "a host name"}
	Host       = Form{"host", dnsSubdomain + `|[0-9a-fA-F]*:[0-9a-fA-F:.]*`, "a host name or an address"}
	// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
	PodLabel      = Form{"podLabel", `(?:` + dnsSubdomain + `/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?`, "the name of a label of Kubernetes"}
	PodLabelValue = Form{"podLabelValue", `(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?`, "the value of a label of Kubernetes"}
	Access        = Form{"access", oneOf(AccessModes()), "`ReadWriteMany` or `ReadWriteOnce`"}
)

// AccessModes returns the modes in which several containers can share a claim; the first is the default.
// https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
func AccessModes() []string { return []string{"ReadWriteMany", "ReadWriteOnce"} }

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
			{Name: "access", Type: String{Form: Access, Reach: AtBuild}, Default: AccessModes()[0], Example: "ReadWriteOnce",
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
