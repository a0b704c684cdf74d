package family

import "github.com/pulpimg/pulpimg/pkg/spec"

// MaxLayers is how many layers an image may have, those of its base included. Docker refuses to pull or load one with more: "max depth
// exceeded" (maxLayerDepth in https://github.com/moby/moby/blob/master/daemon/internal/layer/layer_store.go). Podman and buildah take 500,
// and 127 before containers/storage 1.16; containerd, as many as the options of one mount have room for.
const MaxLayers = 125

// Layers returns how many layers the steps of the image and of those that it is based on in the family make; those of a base from outside
// are not known here.
func (i *Image) Layers() int {
	n := 0
	for ; i != nil; i = i.Parent {
		for _, s := range i.Steps {
			if _, ok := s.(Env); !ok {
				n++
			}
		}
	}
	return n
}

// checkLayers reports an image that has more layers than docker takes, whatever its base. Images that are based on it are not reported.
func (r *resolver) checkLayers(image *Image, name spec.Text) {
	if n := image.Layers(); n > MaxLayers && (image.Parent == nil || image.Parent.Layers() <= MaxLayers) {
		r.report.Add(name.At, "join some of its steps",
			"%s would have %d layers, one for each step, inherited ones included, and docker pulls no image with more than %d", name.Value, n, MaxLayers)
	}
}
