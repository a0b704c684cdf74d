package family

import (
	"maps"
	"strings"
	"unicode"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

func (r *resolver) labels(declared []spec.Named[spec.Text]) map[string]string {
	if len(declared) == 0 {
		return nil
	}
	labels := map[string]string{}
	for _, label := range declared {
		key := label.Name.Value
		if key == "" || strings.ContainsFunc(key, func(c rune) bool { return unicode.IsSpace(c) || isControl(c) }) {
			r.report.Add(label.Name.At, "", "%q is no name for a label", key)
		}
		labels[key] = r.substitute.text(label.Value, atBuild)
	}
	return labels
}

// shareLabels gives an image the labels of the family, if it is published and not based on one that is: such a one inherits them. Images that
// are not published get none, so that what they are made of does not change with, say, a revision. A label that the image declares goes first,
// and so does one of an image below it, which is not published.
func (r *resolver) shareLabels(image *Image, f *Family) {
	if image.Unpublished || len(f.Labels) == 0 {
		return
	}
	own := map[string]bool{}
	for i := image; i != nil; i = i.Parent {
		if i != image && !i.Unpublished {
			return
		}
		for name := range i.Config.Labels {
			own[name] = true
		}
	}
	labels := maps.Clone(image.Config.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for _, label := range r.spec.Labels {
		if name := label.Name.Value; !own[name] {
			labels[name] = f.Labels[name]
			image.SharedLabels = append(image.SharedLabels, label)
		}
	}
	if len(labels) > 0 {
		image.Config.Labels = labels
	}
}
