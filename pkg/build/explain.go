package build

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/recipe"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// explain says why something is done with an image and its steps: what is different in the spec and its files, or else what is different
// around it.
func (p *predictor) explain(image *family.Image, out *PlannedImage, causes []forecast.Cause) {
	difference := p.differ[image.Name]
	for _, c := range difference.Changes {
		reason := Reason{Text: c.Text, At: p.place(c.At)}
		if c.Step >= 0 && c.Step < len(out.Steps) {
			out.Steps[c.Step].Reasons = append(out.Steps[c.Step].Reasons, reason)
		}
		if out.Action != ActionSame {
			out.Reasons = append(out.Reasons, reason)
		}
	}
	for at := range out.Steps {
		p.explainStep(image, at, &out.Steps[at])
	}
	if out.Action == ActionSame || len(out.Reasons) > 0 {
		return
	}
	out.Reasons = p.around(image, difference, causes)
}

// place returns a place in the spec for people and machines.
func (p *predictor) place(at spec.Range) string {
	if at.Start.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", p.family.Spec.FileOf(at.Start).Name, at.Start.Line, at.Start.Column)
}

// explainStep says why something is done for a step about which the spec says what it said.
func (p *predictor) explainStep(image *family.Image, at int, out *PlannedStep) {
	if out.Action == ActionSame || len(out.Reasons) > 0 {
		return
	}
	for _, platform := range p.Platforms {
		if cause := p.seen.Image(image, platform).Steps[at].Cause; cause != "" {
			out.Reasons = []Reason{{Text: p.text(cause)}}
			return
		}
	}
}

// around says what is different around an image.
func (p *predictor) around(image *family.Image, difference recipe.Difference, causes []forecast.Cause) []Reason {
	switch {
	case p.against.name == "":
		return []Reason{{Text: p.nothing()}}
	case difference.New:
		return []Reason{{Text: "is new", At: p.place(image.At)}}
	}
	slices.SortStableFunc(causes, func(a, b forecast.Cause) int { return cmp.Compare(rank(a), rank(b)) })
	var out []Reason
	for len(causes) > 0 && rank(causes[0]) == 0 {
		out, causes = append(out, Reason{Text: p.text(causes[0])}), causes[1:]
	}
	if below := p.changedBelow(image); below != nil {
		out = append(out, Reason{Text: "is based on " + below.Name})
	}
	if below := publishedBelow(image); below != nil && len(out) == 0 && !slices.Equal(p.against.images[below.Name].References, below.References) {
		out = append(out, Reason{Text: "is based on " + below.Name + ", which is called " + below.Reference + " now"})
	}
	for _, source := range image.Sources() {
		if source.Image != nil && p.action[source.Image.Name] != ActionSame {
			out = append(out, Reason{Text: "takes files of " + source.Image.Name, At: p.place(source.At)})
		}
	}
	for _, cause := range causes {
		if cause != forecast.Behind || len(out) == 0 {
			out = append(out, Reason{Text: p.text(cause)})
		}
	}
	if len(out) == 0 {
		out = p.inherited(image)
	}
	if len(out) == 0 {
		out = append(out, Reason{Text: "the last one is another image"})
	}
	return out
}

// nothing says that there is nothing to compare with.
func (p *predictor) nothing() string {
	if p.against.registry {
		return "nothing of " + p.family.Name + " is published yet"
	}
	return "nothing of " + p.family.Name + " was built yet"
}

// changedBelow returns the nearest image below with which something is done; nil if there is none. Nothing is done with an image that is not published
// and makes no layers.
func (p *predictor) changedBelow(image *family.Image) *family.Image {
	below := image.Parent
	for below != nil && below.Unpublished && p.action[below.Name] == ActionSame {
		below = below.Parent
	}
	if below == nil || p.action[below.Name] == ActionSame {
		return nil
	}
	return below
}

// inherited says what is different in the images that an image is made of, and with which nothing is done: they are not published, and what they
// make is known.
func (p *predictor) inherited(image *family.Image) []Reason {
	var out []Reason
	seen := map[string]bool{}
	var look func(at *family.Image, copied bool)
	look = func(at *family.Image, copied bool) {
		if at == nil || !at.Unpublished || seen[at.Name] {
			return
		}
		seen[at.Name] = true
		for _, c := range p.differ[at.Name].Changes {
			if c.Content || !copied {
				out = append(out, Reason{Text: "in " + at.Name + ": " + c.Text, At: p.place(c.At)})
			}
		}
		look(at.Parent, copied)
		for _, source := range at.Sources() {
			look(source.Image, true)
		}
	}
	look(image.Parent, false)
	for _, source := range image.Sources() {
		look(source.Image, true)
	}
	return out
}

// rank sorts causes: what somebody wants comes first, and what follows from another cause comes last.
func rank(c forecast.Cause) int {
	switch c {
	case forecast.Asked, forecast.Old:
		return 0
	case forecast.Lost:
		return 2
	case forecast.Behind, forecast.Rebuilt:
		return 3
	}
	return 1
}

// text says a cause in words.
func (p *predictor) text(cause forecast.Cause) string {
	switch cause {
	case forecast.Behind:
		return "a command before it runs"
	case forecast.Lost:
		return "what it made is not kept; the engine may still have it"
	case forecast.Rebuilt:
		return "a command before it ran again"
	case forecast.Old:
		return "refresh: it ran too long ago, or nobody knows when"
	case forecast.Asked:
		if !p.NoCache {
			return "it is to be fresh"
		}
		return "everything is to run again"
	}
	return "it is not known what it makes"
}
