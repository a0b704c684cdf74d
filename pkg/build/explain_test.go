package build

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/recipe"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// explained has an image that is not published between the others.
const explained = specHeader + `  base: { from: scratch, steps: [ files: { from: app, to: /app } ] }
  plain: { from: base, publish: false, env: { LEVEL: info } }
  web: { from: plain, command: [web] }
  first: { from: scratch, publish: false, steps: [ files: { from: app, to: /first } ] }
  second: { from: first, publish: false, user: nobody }
  taker: { from: scratch, steps: [ files: { image: second, from: /, to: / } ] }
`

// reasons returns the reasons for an image of the spec as it is now.
func (s *site) reasons(image string) []string {
	s.t.Helper()
	plan, err := Predict(s.t.Context(), s.builder().family, s.into, false, s.options())
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, planned := range plan.Images {
		for _, r := range planned.Reasons {
			if planned.Name == image {
				out = append(out, r.Text)
			}
		}
	}
	return out
}

// The reasons name what somebody did, also if that is far from the image.
func TestPredict_namesTheEdit(t *testing.T) {
	s := newSite(t)
	s.write("app", "app")
	s.write("f.yaml", explained)
	if got, want := s.reasons("web"), []string{"nothing of f was built yet"}; !slices.Equal(got, want) {
		t.Errorf("before the first build: %q, want %q", got, want)
	}
	if _, err := Family(t.Context(), s.builder().family, s.into, s.options()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, now, want string }{
		{"nothing", "", "", ""},
		{"the config of what is not published", "LEVEL: info", "LEVEL: debug", "in plain: env LEVEL: info to debug"},
		{"files below", "to: /app", "to: /srv/app", "is based on base"},
		{"its own config", "[web]", "[web, two]", "command: `web` to `web two`"},
	} {
		s.write("f.yaml", strings.Replace(explained, test.old, test.now, 1))
		if got := strings.Join(s.reasons("web"), "; "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// What is too old, or asked for, is the first reason: what else is said follows from it.
func TestPredictor_namesWhatIsTooOldFirst(t *testing.T) {
	below := &family.Image{Name: "below"}
	image := &family.Image{Name: "web", Parent: below}
	p := predictor{against: against{name: "build 1"}, action: map[string]Action{"below": ActionRun}}
	for _, test := range []struct {
		causes []forecast.Cause
		want   []string
	}{
		{[]forecast.Cause{forecast.Behind, forecast.Old}, []string{p.text(forecast.Old), "is based on below"}},
		{[]forecast.Cause{forecast.Asked, forecast.Behind}, []string{p.text(forecast.Asked), "is based on below"}},
		{[]forecast.Cause{forecast.Unknown}, []string{"is based on below", p.text(forecast.Unknown)}},
	} {
		var got []string
		for _, r := range p.around(image, recipe.Difference{}, slices.Clone(test.causes)) {
			got = append(got, r.Text)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.causes, diff)
		}
	}
}
