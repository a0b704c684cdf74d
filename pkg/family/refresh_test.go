package family_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
)

const day = 24 * time.Hour

func refreshing(all, steps string) string {
	return head + all + "\nvariables: {age: {default: 3w}, empty: {default: \"\"}}\nimages: {a: {from: docker.io/library/fedora:20, steps: [" + steps + "]}}\n"
}

func TestResolve_refresh(t *testing.T) {
	for _, test := range []struct {
		name, all, steps string
		want             []time.Duration
	}{
		{"no bound", "", "run: s, apt: {update: true}", []time.Duration{0, 0}},
		{"of all", "refresh: 7d", "run: s, yum: {update: true}, dnf: {update: true}, apt: {update: true}, apk: {update: true}",
			[]time.Duration{7 * day, 7 * day, 7 * day, 7 * day, 7 * day}},
		{"of a step", "", "run: s, run: {script: s, refresh: 12h}, apt: {update: true, refresh: 2w}", []time.Duration{0, 12 * time.Hour, 14 * day}},
		{"a step counts before all", "refresh: 7d", "run: {script: s, refresh: never}, apk: {update: true, refresh: 1d}", []time.Duration{0, day}},
		{"without a network", "refresh: 7d", "run: {script: s, network: none}, env: {A: b}, lens: a.aug", []time.Duration{0, 0, 0}},
		{"a variable", `refresh: "${{ age }}"`, `run: s, run: {script: s, refresh: "${{ age }}"}`, []time.Duration{21 * day, 21 * day}},
		{"the longest", "refresh: 9999w", "run: s", []time.Duration{9999 * 7 * day}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := familytest.Parse(t, refreshing(test.all, test.steps))
			var got []time.Duration
			for _, step := range f.Images[0].Steps {
				got = append(got, family.RefreshOf(step).Bound())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestResolve_refreshErrors(t *testing.T) {
	const what = ` is no span of time after which a command runs again (write a whole number of hours, days or weeks, such as "12h", "7d" or "2w", or "never")`
	for _, value := range []string{"0d", "-1d", "+1d", "07d", "7D", "7 d", " 7d", "1.5d", "7d12h", "1m", "3 months", "1y", "10000h", "Never", "always", "${{ empty }}"} {
		shown := strings.ReplaceAll(value, "${{ empty }}", "")
		_, err := resolve(t, refreshing("refresh: \""+value+"\"", "run: s"), family.Options{})
		checkErrors(t, err, `f.yaml:5:10: "`+shown+`"`+what)
		_, err = resolve(t, refreshing("", "run: {script: s, refresh: \""+value+"\"}"), family.Options{})
		checkErrors(t, err, `f.yaml:7:83: "`+shown+`"`+what)
	}
}

func TestLoad_refreshIsInherited(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"base.yaml": refreshing("refresh: 7d", "run: s"),
		"same.yaml": "version: 1\nextends: base.yaml\nname: g\n",
		"less.yaml": "version: 1\nextends: base.yaml\nrefresh: 1d\n",
		"none.yaml": "version: 1\nextends: base.yaml\nrefresh: null\n",
	})
	for name, want := range map[string]time.Duration{"same.yaml": 7 * day, "less.yaml": day, "none.yaml": 0} {
		f := familytest.Load(t, filepath.Join(dir, name))
		if got := family.RefreshOf(f.Images[0].Steps[0]).Bound(); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// How old something may be decides no image: changing it runs nothing that is not too old.
func TestInputs_withoutRefresh(t *testing.T) {
	of := func(all, steps string) map[string]string {
		got, err := familytest.Parse(t, refreshing(all, steps)).Inputs(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := of("", "run: {script: s}, apt: {update: true}")
	if diff := cmp.Diff(want, of("refresh: 7d", "run: {script: s, refresh: 1d}, apt: {update: true, refresh: never}")); diff != "" {
		t.Errorf("(-without +with):\n%s", diff)
	}
}
