package llb

import (
	"bytes"
	"testing"

	"github.com/pulpimg/pulpimg/internal/familytest"
)

// A command that runs again, and what is made of it, is another thing to an engine; the step behind it is not told apart by itself.
func TestImage_Again(t *testing.T) {
	f := familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nimages: {a: {from: scratch, steps: [run: a, run: b]}}\n")
	build := func(first, second string) (one, both []byte) {
		t.Helper()
		image, err := New(f.Images[0], Base{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, value := range []string{first, second} {
			if image, err = image.Again(value).AddCommand(); err != nil {
				t.Fatal(err)
			}
			def, err := image.Root(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			both = bytes.Join(def.Def, nil)
			if i == 0 {
				one = both
			}
		}
		return one, both
	}
	one, both := build("", "")
	againOne, againBoth := build("x", "")
	if bytes.Equal(one, againOne) || bytes.Equal(both, againBoth) {
		t.Error("a command that runs again is the same to an engine")
	}
	if bytes.Contains(one, []byte(AgainID)) || bytes.Count(againBoth, []byte(AgainID)) != 1 {
		t.Error("more than one command runs again")
	}
	if sameOne, second := build("", "x"); !bytes.Equal(one, sameOne) || bytes.Equal(both, second) {
		t.Error("only the second command is to be another one")
	}
}
