package spec

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStart_Inherit(t *testing.T) {
	parse := func(start string) Start {
		t.Helper()
		s, err := Parse("f.yaml", []byte(head+"images: {a: {from: scratch, start: "+start+"}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		return *s.Images[0].Value.Start
	}
	const base = `{require: {sockets: [/s], files: [/f], variables: [V]}, configure: [c], wait: [w], init: [[i]], user: u, workdir: /w, umask: "022"}`
	all := []StartKey{"require.sockets", "require.files", "require.variables", "configure", "wait", "init", "user", "workdir", "umask"}
	without := func(keys ...StartKey) []StartKey {
		return slices.DeleteFunc(slices.Clone(all), func(k StartKey) bool { return slices.Contains(keys, k) })
	}
	for _, test := range []struct {
		name, own string
		want      []StartKey
	}{
		{"all keys", "{command: [c]}", all},
		{"each key of require by itself", "{require: {files: [/g]}}", without(StartFiles)},
		{"no empty list", "{require: {sockets: []}, configure: [], wait: [], init: []}", without(StartSockets, StartConfigure, StartWait, StartInit)},
		{"no string that is there", "{user: v, workdir: /, umask: 027}", without(StartUser, StartWorkdir, StartUmask)},
	} {
		t.Run(test.name, func(t *testing.T) {
			own := parse(test.own)
			merged, keys := own.Inherit(parse(base))
			if diff := cmp.Diff(test.want, keys); diff != "" {
				t.Errorf("inherited (-want +got):\n%s", diff)
			}
			if merged.At != own.At || merged.IsAbstract() != own.IsAbstract() {
				t.Errorf("the place or the command is another one")
			}
			if again, keys := merged.Inherit(parse(base)); len(keys) > 0 || len(again.Sockets) != len(merged.Sockets) {
				t.Errorf("%v are inherited twice", keys)
			}
		})
	}
}
