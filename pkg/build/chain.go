package build

import (
	"context"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A chain tells on which results of commands the steps of a family were made.
type chain struct {
	settings
	before *forecast.Forecast
	on     map[string]digest.Digest // by the name of the image; missing where it cannot be told
}

func newChain(s settings, f *forecast.Forecast) chain { return chain{s, f, map[string]digest.Digest{}} }

// start returns what an image is made on, or nothing if that cannot be told.
func (c chain) start(image *forecast.Image) digest.Digest {
	if image.Below != nil {
		return c.on[image.Below.Name()]
	}
	return image.Start
}

// together returns what a step is made on: the image below, and those that it takes files from.
func (c chain) together(image *forecast.Image, at int, on digest.Digest) digest.Digest {
	for _, source := range family.SourcesOf(image.Source.Steps[at]) {
		switch {
		case source == nil:
		case source.Image == nil:
			base := c.before.Base(source.Reference, c.compileOptions(c.families[0], image.Platform).RunsOn(image.Source))
			on = key.Together(on, key.Base(base.Manifest))
		default:
			other := c.on[forecast.NameFor(source.Image.Name, image.Platform)]
			if other == "" {
				return ""
			}
			on = key.Together(on, other)
		}
	}
	return on
}

// after returns what the step behind one is made on.
func after(command bool, on, result digest.Digest) digest.Digest {
	if command {
		return key.Run(on, result)
	}
	return on
}

// known returns the records of an image that count: those of its steps that make something, from the first up to one of which too little is
// known.
func (c chain) known(ctx context.Context, image *forecast.Image) []record.Record {
	var out []record.Record
	on := c.start(image)
	for at, step := range image.Steps {
		if !step.Makes || on == "" {
			continue
		}
		if on = c.together(image, at, on); on == "" {
			return out
		}
		made, ok := c.record(ctx, image.Source, c.recordKey(step))
		if !ok || made.On != on {
			return out
		}
		out = append(out, made)
		on = after(step.Command, on, made.Result)
	}
	if on != "" {
		c.on[image.Name()] = on
	}
	return out
}
