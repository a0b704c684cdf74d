package main

import (
	"context"

	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// fill downloads the layers of images that only registries have, for whoever needs the images as a whole.
func fill(ctx context.Context, con console, into *layout.Layout, images []layout.Image, flags *registryFlags) error {
	bar := newTransferProgress(con.err, "downloading layers")
	opts := flags.options(bar.waiting)
	opts.Progress = bar.show
	err := publish.Fill(ctx, into, images, opts)
	bar.done()
	return flags.hint(err)
}
