package build

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestCheckReserved(t *testing.T) {
	file := func(path string) layer.Entry { return layer.Entry{Path: path, Info: layer.Info{Mode: 0o755}} }
	dir := func(path string) layer.Entry {
		return layer.Entry{Path: path, Info: layer.Info{Mode: fs.ModeDir | 0o755}}
	}
	dirs := []layer.Entry{dir("/usr"), dir("/usr/bin"), dir("/usr/share"), dir("/usr/share/pulpimg")}
	const helper, start, contract = "/usr/bin/pulp-helper", "/usr/share/pulpimg/start", "/usr/share/pulpimg/contract.json"
	for _, test := range []struct {
		name   string
		below  []string
		step   family.Files
		adds   []string
		want   string
		inStep bool
	}{
		{"nothing is there", nil, family.Files{Startup: true}, []string{helper, contract}, "", false},
		{"the base has another helper", []string{helper}, family.Files{Startup: true}, []string{helper, contract}, helper, false},
		{"the base has another start script", []string{start}, family.Files{Startup: true}, []string{helper, contract}, start, false},
		{"the base was built by pulpimg", []string{helper, start, contract}, family.Files{Startup: true}, []string{helper, contract}, "", false},
		{"a step puts a file there by way of a link", nil, family.Files{}, []string{"/etc/x", helper}, helper, true},
		{"a step puts files elsewhere", []string{helper}, family.Files{}, []string{"/usr/bin/pulp-helper2", "/run.sh"}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			below, adds := slices.Clone(dirs), []layer.Entry(nil)
			for _, path := range test.below {
				below = append(below, file(path))
			}
			for _, path := range test.adds {
				adds = append(adds, file(path))
			}
			slices.SortFunc(below, func(a, b layer.Entry) int { return strings.Compare(a.Path, b.Path) })
			err := checkReserved(t.Context(), layer.Overlay(layer.Empty{}, below), test.step, adds)
			var reserved *ReservedError
			if test.want == "" && err != nil || test.want != "" && (!errors.As(err, &reserved) || reserved.Path != test.want || reserved.InStep != test.inStep) {
				t.Errorf("got %v, want one about %q", err, test.want)
			}
		})
	}
}
