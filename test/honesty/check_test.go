package honesty

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// lost is what a plan says of a command whose result is wanted, and of which nobody has the layer: a builder, of which something else is taken now.
const lost = "what it made is not kept; the engine may still have it"

// unexplained is what a plan says of an image that is another one and of which it finds nothing that is different.
const unexplained = "the last one is another image"

// A comparison says what a plan and the build after it say differently.
type comparison struct {
	plan   *build.Plan
	built  made
	before map[string]string // the digests of the images before

	mistakes []string
}

// compare returns what was announced wrongly.
func compare(plan *build.Plan, built made, before map[string]string) []string {
	if plan.Against == "" {
		before = nil // it is the first build of a spec of this name
	}
	c := &comparison{plan: plan, built: built, before: before}
	if len(plan.Images) != len(built.family.Images) {
		c.wrong("the plan has %d images, and the build %d", len(plan.Images), len(built.family.Images))
		return c.mistakes
	}
	after := built.digests()
	for i, planned := range plan.Images {
		image := built.family.Images[i]
		if image.Name != planned.Name {
			c.wrong("the plan has the image %s in the place of %s", planned.Name, image.Name)
			continue
		}
		c.commands(planned, image)
		if !image.Unpublished {
			c.digest(planned, image, after[image.Name])
		}
		if (len(planned.Reasons) == 0) != (planned.Action == build.ActionSame) {
			c.wrong("%s is %q, and the reasons are %v", planned.Name, planned.Action, planned.Reasons)
		}
	}
	return c.mistakes
}

func (c *comparison) wrong(format string, args ...any) {
	c.mistakes = append(c.mistakes, fmt.Sprintf(format, args...))
}

// commands compares what of an image was to run with what ran.
func (c *comparison) commands(planned build.PlannedImage, image *family.Image) {
	for at, step := range planned.Steps {
		ran := c.built.ran(image.Name, at, len(image.Steps))
		name := fmt.Sprintf("%s %d/%d %s", image.Name, at+1, len(image.Steps), step.Title)
		switch {
		case ran && step.Action != build.ActionRun && step.Action != build.ActionMayRun:
			c.wrong("%s: it ran, and was announced as %q", name, step.Action)
		case !ran && step.Action == build.ActionRun:
			c.wrong("%s: it did not run, and was announced as %q: %v", name, step.Action, step.Reasons)
		case step.Action == build.ActionMayRun && !c.behind(image, at) && !c.lostBuilder(image, step):
			c.wrong("%s: it may run, and nothing before it runs", name)
		}
		if ran && planned.Action == build.ActionRelayer {
			c.wrong("%s: it ran, and the image was announced as %q", name, planned.Action)
		}
	}
}

// digest compares the digest of an image with what was announced. An image whose layers are written again behind a command that runs may turn
// out the same.
func (c *comparison) digest(planned build.PlannedImage, image *family.Image, after string) {
	before, was := c.before[image.Name]
	switch {
	case planned.Action == build.ActionSame && before != after:
		c.wrong("%s was announced as the same, and is %s instead of %s", image.Name, after, before)
	case planned.Action != build.ActionSame && was && before == after && !c.behind(image, len(image.Steps)) && !asked(planned):
		c.wrong("%s was announced as %q: %v, and is the same", image.Name, planned.Action, planned.Reasons)
	}
}

// asked reports whether everything of an image is done again because somebody asked for it.
func asked(planned build.PlannedImage) bool {
	return len(planned.Reasons) > 0 && planned.Reasons[0].Text == "everything is to run again"
}

// planned returns what was planned for an image.
func (c *comparison) planned(name string) build.PlannedImage {
	for _, p := range c.plan.Images {
		if p.Name == name {
			return p
		}
	}
	return build.PlannedImage{}
}

// behind reports whether a command runs, or may run, before a step of an image: below it, or in an image that it takes files from.
func (c *comparison) behind(image *family.Image, at int) bool {
	for _, step := range c.planned(image.Name).Steps[:at] {
		if step.Action == build.ActionRun || step.Action == build.ActionMayRun {
			return true
		}
	}
	for i := range min(at+1, len(image.Steps)) {
		for _, source := range family.SourcesOf(image.Steps[i]) {
			if source != nil && source.Image != nil && c.behind(source.Image, len(source.Image.Steps)) {
				return true
			}
		}
	}
	return image.Parent != nil && c.behind(image.Parent, len(image.Parent.Steps))
}

// lostBuilder reports whether a step may run because its image is not published, so that its layer is not kept.
func (c *comparison) lostBuilder(image *family.Image, step build.PlannedStep) bool {
	return image.Unpublished && len(step.Reasons) > 0 && step.Reasons[0].Text == lost
}

// says reports whether the first reason of an image names one of some words. Of a new image, it is the name.
func says(image build.PlannedImage, words []string) bool {
	if len(image.Reasons) == 0 {
		return false
	}
	text := strings.ToLower(image.Reasons[0].Text)
	if text == "is new" {
		text = strings.ToLower(image.Name)
	}
	for _, word := range words {
		if word != "" && strings.Contains(text, strings.ToLower(word)) {
			return true
		}
	}
	return false
}

// named returns what is wrong with the reasons after an edit: the first reason has to name it, in the image in which it was made or, if it is
// about all images, in one of them.
func named(plan *build.Plan, built made, e edit) []string {
	var texts []string
	var wrong []string
	for i, image := range plan.Images {
		if slices.ContainsFunc(image.Reasons, func(r build.Reason) bool { return r.Text == unexplained }) {
			wrong = append(wrong, fmt.Sprintf("%s: no reason says what is different", image.Name))
		}
		if image.Action == build.ActionSame || e.image != "" && !slices.Contains(built.family.Called(e.image), built.family.Images[i]) {
			continue
		}
		if says(image, e.words) {
			return wrong
		}
		texts = append(texts, fmt.Sprintf("%s: %v", image.Name, image.Reasons))
	}
	if len(texts) == 0 {
		return wrong
	}
	return []string{fmt.Sprintf("no first reason has one of %q: %v", e.words, texts)}
}

// small is what an upload may be however it was announced: configs, and layers of a few files.
const smallUpload = 100_000

// published returns what was wrong about a publication after a build.
func published(plan *build.Plan, pushed *publish.Result) []string {
	if plan.Against == "" {
		return nil // what was published under another name of the spec is not known
	}
	var wrong []string
	sent := pushed.PushedBytes()
	// The registry may have an image of an edit before, to which no tag points any more.
	before := slices.ContainsFunc(pushed.Items, func(i publish.Published) bool { return i.Present && i.TagMoved })
	if (sent > smallUpload || plan.Upload > smallUpload) && (sent > 2*plan.Upload || plan.Upload > 2*sent && !before) {
		wrong = append(wrong, fmt.Sprintf("%d bytes were announced, and %d sent", plan.Upload, sent))
	}
	moved := 0
	for _, item := range pushed.Items {
		if item.TagMoved {
			moved++
		}
	}
	commands := plan.Count(build.ActionRun) + plan.Count(build.ActionMayRun)
	if moved > plan.Tags || moved < plan.Tags && commands == 0 {
		wrong = append(wrong, fmt.Sprintf("%d tags were to be moved, and %d were", plan.Tags, moved))
	}
	return wrong
}

// add counts an edit by what it means most.
func (t *tally) add(plan *build.Plan) {
	switch {
	case plan.Count(build.ActionRun) > 0:
		t.run++
	case plan.Count(build.ActionMayRun) > 0:
		t.mayRun++
	case plan.Count(build.ActionRelayer) > 0:
		t.relayer++
	default:
		t.same++
	}
}

// summary says in a line what is to be done.
func summary(plan *build.Plan) string {
	var out []string
	for _, image := range plan.Images {
		if image.Action != build.ActionSame {
			out = append(out, fmt.Sprintf("%s: %s, %s", image.Name, image.Action, image.Reasons[0].Text))
		}
	}
	return strings.Join(out, "; ")
}
