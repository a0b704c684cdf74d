package family

import "github.com/pulpimg/pulpimg/pkg/spec"

// inheritStart gives an image with a start the keys that its start leaves out: those of the nearest image below with a start that has no
// command. Starts with a command are passed over.
func (r *resolver) inheritStart(image *Image) {
	own := image.Declared.Start
	below := image.Parent
	for below != nil && (below.Declared.Start == nil || !below.Declared.Start.IsAbstract()) {
		below = below.Parent
	}
	if below == nil {
		return
	}
	merged, keys := own.Inherit(*below.Declared.Start)
	image.Declared.Start = &merged
	image.InheritedStart = make(map[spec.StartKey]string, len(keys))
	r.budget.takeText(own.At, inheritedWord*words(merged))
	for _, key := range keys {
		from, ok := below.InheritedStart[key]
		if !ok {
			from = below.Name
		}
		image.InheritedStart[key] = from
	}
}

// inheritedWord is how many bytes of text each word of a start counts in an image that inherits a part of its start: a word may be empty, and there may be
// many in one start that many images inherit.
const inheritedWord = 64

func words(s spec.Start) int {
	n := len(s.Sockets) + len(s.Files) + len(s.Variables) + len(s.Configure) + len(s.Wait)
	for _, command := range s.Init {
		n += len(command)
	}
	return n
}

// declaredStart resolves the start of an image, of which own is what the image declares itself. What is wrong with the rest is reported
// already, at the image that it is inherited from.
func (r *resolver) declaredStart(image *Image, own spec.Start) *Start {
	start := r.role(own)
	if len(image.InheritedStart) > 0 {
		reported := r.report.Len()
		start = r.role(*image.Declared.Start)
		if !r.budget.done() {
			r.report.Truncate(reported)
		}
	}
	return start
}

// abstractStart resolves a start that has no command.
func (r *resolver) abstractStart(image *Image, own spec.Start) {
	image.AbstractStart = r.declaredStart(image, own)
	if below := image.completeBelow(); below != nil {
		r.report.Add(own.At, "add the command: only a start without one is inherited",
			"the start of %s has no command, and %s, which it is based on, has a start with one", image.Name, below.Name)
	}
}

// completeBelow returns the nearest image that an image is based on and that has a start with a command, or nil.
func (i *Image) completeBelow() *Image {
	for below := i.Parent; below != nil; below = below.Parent {
		if s := below.Declared.Start; s != nil && !s.IsAbstract() {
			return below
		}
	}
	return nil
}

// checkAbstractStarts reports starts without a command that no image completes: a command is missing, or the start does nothing.
func (r *resolver) checkAbstractStarts(images []*Image) {
	completed := map[*Image]bool{}
	for _, image := range images {
		if image.Declared.Start == nil || image.Declared.Start.IsAbstract() {
			continue
		}
		if image.Parent == nil && image.Base == "" {
			return // there is an error about what it is based on, which may be any of them
		}
		for below := image.Parent; below != nil; below = below.Parent {
			completed[below] = true
		}
	}
	for _, image := range images {
		if s := image.AbstractStart; s != nil && !completed[image] && image.completeBelow() == nil {
			r.report.Add(image.Declared.Start.At, "add one, or base an image with a start and a command on "+image.Name,
				"the start of %s has no command, and no image that is based on %s has one", image.Name, image.Name)
		}
	}
}

// startAt returns the place of an error about a key of the start of an image: where the key is or, if it is inherited, where the image says
// that it has a start.
func (i *Image) startAt(key spec.StartKey, at spec.Range) spec.Range {
	if _, ok := i.InheritedStart[key]; ok {
		return i.Declared.Start.At
	}
	return at
}
