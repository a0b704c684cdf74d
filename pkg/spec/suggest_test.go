package spec

import "testing"

func TestNearest(t *testing.T) {
	keys := []string{"base", "command", "ephemeral-storage", "from", "mongodb", "name", "request", "services", "start_period", "tags", "zone"}
	for _, test := range []struct{ name, want string }{
		{"form", "from"},
		{"frmo", "from"},
		{"frm", "from"},
		{"FROM", "from"},
		{"bsae", "base"},
		{"tag", "tags"},
		{"comand", "command"},
		{"resquets", "request"},
		{"mongo", "mongodb"},
		{"start-priod", "start_period"},
		{"ephemarel-stroage", "ephemeral-storage"},
		// Words that are none of these.
		{"node", ""},
		{"args", ""},
		{"envFrom", ""},
		{"replicas", ""},
		{"f", ""},
		{"", ""},
	} {
		if got, ok := Nearest(test.name, keys); got != test.want || ok != (test.want != "") {
			t.Errorf("%q: got %q, %t, want %q", test.name, got, ok, test.want)
		}
	}
	if near, ok := Nearest("base", []string{"name", "user"}); ok {
		t.Errorf("base: got %q", near)
	}
}
