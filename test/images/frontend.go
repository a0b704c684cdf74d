package images

import (
	"context"
	"maps"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Store is the name by which a build context names images of [Frontend].Blobs: oci-layout://Store@DIGEST.
const Store = "images"

// A Frontend builds images from Dockerfiles with the frontend that is part of BuildKit.
type Frontend struct {
	Client *client.Client
	Policy *spb.Policy
	// Blobs is where the images go, and where build contexts find them.
	Blobs *layout.Blobs
}

// Build builds the Dockerfile of a directory, which is the build context too, and returns the image's manifest. The attributes are those of
// the frontend.
func (f Frontend) Build(ctx context.Context, dir string, attributes map[string]string) (digest.Digest, error) {
	local, err := fsutil.NewFS(dir)
	if err != nil {
		return "", err
	}
	store, err := f.Blobs.Store()
	if err != nil {
		return "", err
	}
	attrs := map[string]string{
		// Says that this is what the first line of the Dockerfile asks for, which otherwise were fetched.
		"cmdline":            "docker/dockerfile:1",
		"image-resolve-mode": "default",
	}
	maps.Copy(attrs, attributes)
	response, err := f.Client.Solve(ctx, nil, client.SolveOpt{
		Frontend:      "dockerfile.v0",
		FrontendAttrs: attrs,
		LocalMounts:   map[string]fsutil.FS{"context": local, "dockerfile": local},
		OCIStores:     map[string]content.Store{Store: store},
		SourcePolicy:  f.Policy,
		Exports: []client.ExportEntry{{
			Type:        client.ExporterOCI,
			Attrs:       map[string]string{"tar": "false", "oci-mediatypes": "true"},
			OutputStore: store,
		}},
	}, nil)
	if err != nil {
		return "", err
	}
	return digest.Digest(response.ExporterResponse[exptypes.ExporterImageDigestKey]), nil
}
