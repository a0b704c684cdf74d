package registrytest

// Quirk is a way in which some registry differs from the one that the specification describes. The names of products are those in which it
// was seen.
type Quirk string

// How a registry is reached.
const (
	// Plain is a registry on this machine that speaks plain HTTP, at a name without a port.
	Plain Quirk = "plain"
	// OddPort is a registry whose name has a port.
	OddPort Quirk = "odd port"
)

// How a registry finds out who asks.
const (
	Basic  Quirk = "basic"
	Bearer Quirk = "bearer"
	// OpenPing asks nobody for credentials on the first request, and everybody afterwards (GitHub).
	OpenPing Quirk = "open ping"
	// ManyOffers offers a way that nobody here knows before the one with tokens, in one header (Azure).
	ManyOffers Quirk = "many offers"
	// AccessToken calls the token what OAuth 2.0 does, and gives its life as text.
	AccessToken Quirk = "access token"
	// NoExpiry does not say how long a token is good for.
	NoExpiry Quirk = "no expiry"
	// LastScope gives a token for the last scope alone.
	LastScope Quirk = "last scope"
	// RefusedMountScope and its kin refuse a token for two repositories (Docker Hub).
	RefusedMountScope    Quirk = "refused mount scope"
	RefusedMountScope401 Quirk = "refused mount scope, 401"
	// DyingTokens ends all tokens, whatever life they were given, when the first blob comes, and again when the first manifest comes.
	DyingTokens Quirk = "dying tokens"
	// PullTokens gives tokens for pulling alone, and refuses any other scope.
	PullTokens Quirk = "tokens for pulling"
)

// Where a registry says that an upload continues.
const (
	Absolute      Quirk = "absolute location"
	WithPort      Quirk = "location with the default port"
	UpperCase     Quirk = "location in capitals"
	PlainLocation Quirk = "location over plain HTTP" // a proxy ends TLS, and the registry does not know of it (Artifactory)
	PlainPort     Quirk = "location over plain HTTP with its port"
	Relative      Quirk = "relative location"
	Outside       Quirk = "location outside of /v2/" // Google
	Elsewhere     Quirk = "location at another host"
)

// What becomes of uploads.
const (
	NoMount      Quirk = "no mount"
	MountDenied  Quirk = "mount denied"
	UploadGone   Quirk = "upload gone"            // once, at its end
	UploadStored Quirk = "upload gone and stored" // the same, and the blob is there (Harbor behind several instances)
	UploadBad    Quirk = "upload invalid"         // 400 BLOB_UPLOAD_INVALID, once
	LateAnswer   Quirk = "429 once"
)

// How a registry answers whether it has a blob.
const (
	HeadBlob405 Quirk = "HEAD of a blob: 405"
	HeadBlob403 Quirk = "HEAD of a blob: 403"
	HeadBlob400 Quirk = "HEAD of a blob: 400"
)

// How a registry answers what a manifest is.
const (
	Head405       Quirk = "HEAD of a manifest: 405"
	Head404       Quirk = "HEAD of a manifest: 404"
	Head403       Quirk = "HEAD of a new manifest: 403"
	Head400       Quirk = "HEAD of a new manifest: 400"
	OldHead       Quirk = "HEAD of a manifest: old" // what the tag was before it last moved: a cache
	HiddenRepo403 Quirk = "new repository: 403"     // to everybody who reads (GitHub)
	HiddenRepo401 Quirk = "new repository: 401"     // the same (Harbor)
	NoReading     Quirk = "no reading of tags"      // 403, though they may be set
	NoDigest      Quirk = "no digest"
	CutManifest   Quirk = "manifest cut short"          // the first answer to each GET
	LateTag       Quirk = "tags move late"              // two reads see the old one: a cache
	SlowTags      Quirk = "tags move slowly"            // each after a time of its own
	DeadTag       Quirk = "tags do not move"            // though the answer is 201
	ImmutableTags Quirk = "tags that are there stay"    // ECR, Harbor
	TagsOnly      Quirk = "no manifests by digest"      // Artifactory, for some types
	NoRepository  Quirk = "no repository on push"       // ECR
	BadText       Quirk = "errors with control letters" // somebody wants to write on the user's screen
)

// How a registry takes a manifest.
const (
	BlobUnknown    Quirk = "blob unknown, once"      // 400
	BlobUnknown404 Quirk = "blob unknown, once, 404" //
	ChildUnknown   Quirk = "child unknown, once"
)

// How connections end.
const (
	CutHeader Quirk = "header cut short"      // once, of the answer to a blob
	Silent    Quirk = "no answer"             // once, to a blob
	SilentTag Quirk = "no answer, but stored" // once, to a tag
)
