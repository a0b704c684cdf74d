package build

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A registry is told of commands and of large files. What is small is made again faster than anybody is asked for it.
func TestSettings_hasSet(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", sharedSize/16)
	tests := []struct {
		name, spec string
		files      map[string]string
		want       []string // image and step
	}{
		{"small files behind a command", layered, nil, []string{"base 0", "base 2"}},
		{"large files in a role", layered, map[string]string{"page": large}, []string{"base 0", "base 2", "web 0"}},
		{"large files before the last command", layered, map[string]string{"app": large}, []string{"base 0", "base 2"}},
		{"large files behind the last command",
			strings.Replace(layered, "      - run: second\n", "      - files: { from: page, to: /lib/page }\n", 1), map[string]string{"app": large}, []string{"base 0", "base 2"}},
		{"nearly large together", strings.Replace(layered, "      - run: second\n", "      - files: { from: page, to: /lib/page }\n", 1),
			map[string]string{"app": large[:sharedSize/2], "page": large[:sharedSize/2-1]}, []string{"base 0"}},
		{"large together", strings.Replace(layered, "      - run: second\n", "      - files: { from: page, to: /lib/page }\n", 1),
			map[string]string{"app": large[:sharedSize/2], "page": large[:sharedSize/2]}, []string{"base 0", "base 2"}},
		{"no command, on a base from outside", "version: 1\nname: f\nregistry: HOST/team\ntag: \"1\"\nimages:\n" +
			"  base: { from: \"HOST/base:1\", steps: [files: { from: app, to: /lib/app }, files: { from: page, to: /lib/page }] }\n" +
			"  web: { from: base, steps: [files: { from: page, to: /srv/page }] }\n", nil, []string{"base 1"}},
		{"no command, from scratch", "version: 1\nname: f\nregistry: HOST/team\ntag: \"1\"\nimages:\n" +
			"  base: { from: scratch, steps: [files: { from: app, to: /lib/app }] }\n", nil, nil},
		{"the helper", strings.Replace(layered, "      - run: second\n", "      - helpers: [wait]\n", 1), nil, []string{"base 0", "base 2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newRecordHub(t)
			h.base([]string{"amd64"}, linked(t))
			s := newSiteOf(t, h, test.spec)
			s.minShared = sharedSize
			for name, content := range test.files {
				s.write(name, content)
			}
			b := s.builder()
			var got []string
			for _, image := range s.foresee(b).Images {
				for at := range image.Steps {
					if b.hasSet(image, at) {
						got = append(got, image.Source.Name+" "+string(rune('0'+at)))
					}
				}
				if keys := b.sharedKeys(image); len(keys) > 0 && !slices.Equal(b.topOf(nil, image), keys[len(keys)-1:]) {
					t.Errorf("the last set of %s is not its top", image.Source.Name)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("steps with sets (-want +got):\n%s", diff)
			}
		})
	}
}
