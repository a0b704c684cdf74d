package llb

import (
	"strings"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// LayerStore is the name of the OCI store that an engine reads file layers from.
const LayerStore = "pulpimg-layers"

// LayerName is the name in references to file layers. An engine finds a layer in the store by its digest alone; the name means nothing.
const LayerName = "pulpimg/layer"

// A Base is an image from outside the family.
type Base struct {
	// Reference names the image by digest. Empty stands for scratch.
	Reference string
	// Config is the image's config.
	Config dockerspec.DockerOCIImage
}

// Options decide how a family is compiled. Package build sets all of them; there are no defaults.
type Options struct {
	// SpecFile is the name of the spec in source maps.
	SpecFile string
	// Family is the family's name.
	Family string
	// Platform is what the images are for.
	Platform ocispec.Platform
	// Build is the engine's own platform.
	Build ocispec.Platform
	// Created is the time that configs and history entries carry.
	Created time.Time
	// NoCache makes every command run again.
	NoCache bool
	// Trusting gives commands the file of the secret TrustedID: the certificates of authorities that they are to trust.
	Trusting bool
	// Proxies are the proxies that commands are told about. They do not count for the engine's cache.
	Proxies Proxies
}

// RunsOn returns the platform that the commands of an image run on.
func (o Options) RunsOn(image *family.Image) ocispec.Platform {
	if image.OnBuildPlatform {
		return o.Build
	}
	return o.Platform
}

// String names a base for people.
func (b Base) String() string {
	name, _, _ := strings.Cut(b.Reference, "@")
	return name
}

// Proxies are the values of the variables by which programs find their proxies.
type Proxies struct{ HTTP, HTTPS, FTP, All, No string }
