package spec

import "testing"

func TestParse_recordsErrors(t *testing.T) {
	const hint = ` (write a repository such as "registry.example.com/team/records", or "none")`
	for _, test := range []struct{ name, value, want string }{
		{"empty", ` ""`, "f.yaml:5:10: records of the spec is empty" + hint},
		{"nothing", "", "f.yaml:5:9: records has to be a string, not nothing"},
		{"a list", " [r/a]", "f.yaml:5:10: records has to be a string, not a list"},
		{"a truth value", " false", "f.yaml:5:10: records has to be a repository, not the truth value false" + hint},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(head+"records:"+test.value+"\n"+images))
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}
