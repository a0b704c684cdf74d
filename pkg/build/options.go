package build

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/moby/buildkit/session/secrets"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/moby/buildkit/util/progress/progressui"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// Options decide how a family is built. The zero value builds as the pulpimg command does by default, but shows no progress.
type Options struct {
	// Engine chooses the engine. An empty CacheDir in it means the directory of Cache.
	Engine engine.Options
	// Cache keeps the file layers between builds.
	Cache Cache
	// Platforms are what the images are built for; none means the engine's own.
	Platforms []ocispec.Platform
	// Created is the time that the images carry. The zero value means the beginning of 1970.
	Created time.Time
	// NoCache makes every command run again.
	NoCache bool
	// Refresh makes every command run again that used the network.
	Refresh bool
	// SourcePolicy says which sources the engine may use, and which to use instead of others. Nil allows all of them.
	SourcePolicy *spb.Policy
	// Keychain has the credentials for the bases. If it is nil, it is the default of package publish.
	Keychain authn.Keychain
	// Registries says how the embedded engine reaches the registries of bases, and which certificates commands are to trust in addition to
	// those of their image. If it is nil, it is what [registries.Load] finds. A remote engine reaches registries as it is configured.
	Registries *registries.Config
	// Greetings keep what registries answered first, for a publication with the same ones. They may be nil.
	Greetings *publish.Greetings
	// Proxies are those that commands are told about; they do not count as inputs of a command. The embedded engine uses those of the
	// environment, whatever this says.
	Proxies Proxies
	// Secrets are those of run steps. Nil means that there are none.
	Secrets secrets.SecretStore
	// Progress shows the build as it runs.
	Progress Progress
	// BeforeEngine is called before an engine starts, if it is set. An error of it ends the build.
	BeforeEngine func(ctx context.Context) error
	// Debug is called for the first command that fails, if it is set.
	Debug Debugger
	// NoRecords keeps records on this machine: none is read from a registry, and none is written to one.
	NoRecords bool
	// Warn is called, if it is set, with what is wrong in a registry and costs time, but makes no wrong image. Calls may overlap.
	Warn func(error)
}

// Proxies are the values of the variables by which programs find their proxies: http_proxy and so on. Empty ones are not set.
type Proxies struct{ HTTP, HTTPS, FTP, All, No string }

// ProxiesOf returns the proxies of an environment. As in curl, a variable in lower case counts before the same one in upper case.
func ProxiesOf(getenv func(string) string) Proxies {
	value := func(name string) string { return cmp.Or(getenv(name), getenv(strings.ToUpper(name))) }
	return Proxies{
		HTTP: value("http_proxy"), HTTPS: value("https_proxy"), FTP: value("ftp_proxy"), All: value("all_proxy"), No: value("no_proxy"),
	}
}

// A Progress says where and how a build shows that it is running. The zero value shows nothing.
type Progress struct {
	// Out is written to.
	Out io.Writer
	// Mode is one of BuildKit's: auto, plain, tty, quiet, rawjson. Empty means auto.
	Mode string

	// repeats is set when the build is repeated after a copy that the engine cannot continue. Then that is not shown as an error of a step.
	repeats bool
}

// warn warns of an error, if it is one.
func (o Options) warn(err error) {
	if err != nil && o.Warn != nil {
		o.Warn(err)
	}
}

// settings are complete options.
type settings struct {
	Options
	layers   *layer.Store
	build    ocispec.Platform // the engine's own
	families []*family.Family // for each of the platforms
	records  record.Store
	kept     []*layout.Blobs // what this machine has of layers
	lookup   *lookup
	engine   *layout.Blobs // those of an embedded engine; nil if there is none, or before it runs
	again    string        // tells the commands that run again in this build from earlier runs of them
	trusted  []byte        // what commands are to trust, in PEM; nothing stands for what their image trusts
	// minShared is the size of files, in bytes, from which another machine had better not make their layers again.
	minShared int64
}

// settings completes options and opens what they name. For patient, see newLookup.
func (o Options) settings(patient bool) (settings, error) {
	dir, err := o.Cache.Path()
	if err != nil {
		return settings{}, err
	}
	o.Engine.CacheDir = cmp.Or(o.Engine.CacheDir, dir)
	if o.Created.IsZero() {
		o.Created = time.Unix(0, 0).UTC()
	}
	if o.Keychain == nil {
		o.Keychain = publish.NewKeychain(os.Getenv)
	}
	if o.Registries == nil {
		if o.Registries, err = registries.Load(registries.Options{}); err != nil {
			return settings{}, err
		}
	}
	o.Engine.Registries = o.Registries
	trusted, err := o.Registries.Bundle()
	if err != nil {
		return settings{}, err
	}
	if o.Progress.Out == nil {
		o.Progress = Progress{Out: io.Discard, Mode: string(progressui.QuietMode)}
	}
	o.Progress.Mode = cmp.Or(o.Progress.Mode, string(progressui.AutoMode))
	s := settings{Options: o, trusted: trusted, again: rand.Text(), minShared: sharedSize}
	if s.layers, err = o.Cache.layers(); err != nil {
		return settings{}, err
	}
	s.records = record.In(s.layers.Blobs().Root())
	s.lookup, err = s.newLookup(patient)
	return s, err
}
