package build

import (
	"context"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A slowTree is empty, and notes when it last answered.
type slowTree struct {
	layer.Empty
	answered time.Time
}

func (t *slowTree) Lstat(ctx context.Context, path string) (*layer.Info, error) {
	time.Sleep(5 * time.Millisecond)
	info, err := t.Empty.Lstat(ctx, path)
	t.answered = time.Now()
	return info, err
}

func TestPlatformPlanner_timeOfFilesStep(t *testing.T) {
	f := familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nimages: {a: {from: scratch, steps: [repo: {id: r, baseurl: \"http://h/\", to: /etc/r.repo}]}}\n")
	store, err := layer.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var begun time.Time
	p := platformPlanner{planner: planner{
		family: f, opts: settings{layers: store},
		announce: func(_ string, since time.Time, _ bool) { begun = since },
	}}
	image := f.Images[0]
	root, err := llb.New(image, llb.Base{}, p.options())
	if err != nil {
		t.Fatal(err)
	}
	tree := &slowTree{}
	if _, err := p.files(t.Context(), imageState{image: root, tree: tree}, llb.StepName(image, 0), image.Steps[0].(family.Files)); err != nil {
		t.Fatal(err)
	}
	if tree.answered.IsZero() || begun.Before(tree.answered) {
		t.Errorf("the step began at %v; the tree below answered until %v", begun, tree.answered)
	}
}
