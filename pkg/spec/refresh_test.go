package spec

import "testing"

func TestParse_refreshErrors(t *testing.T) {
	const hint = ` (write a whole number of hours, days or weeks, such as "12h", "7d" or "2w", or "never")`
	images := "images: {a: {from: scratch}}\n"
	for _, test := range []struct{ name, yaml, want string }{
		{"a number", head + "refresh: 7\n" + images, "f.yaml:5:10: refresh has to be a span of time, not the number 7" + hint},
		{"part of a number", head + "refresh: 1.5\n" + images, "f.yaml:5:10: refresh has to be a span of time, not the number 1.5" + hint},
		{"a truth value", head + "refresh: true\n" + images, "f.yaml:5:10: refresh has to be a span of time, not the truth value true" + hint},
		{"a list", head + "refresh: [7d]\n" + images, "f.yaml:5:10: refresh has to be a string, not a list"},
		{"nothing", head + "refresh:\n" + images, "f.yaml:5:9: refresh has to be a string, not nothing"},
		{"a number for a step", step("{apk: {update: true, refresh: 7}}"), "f.yaml:8:44: refresh has to be a span of time, not the number 7" + hint},
		{"a command without a network", step("{run: {script: s, network: none, refresh: 7d}}"),
			"f.yaml:8:56: a command without a network gets nothing that could be refreshed (leave one of them out)"},
		{"a step that runs no command", step("{files: {from: a, to: /a, refresh: 7d}}"), `f.yaml:8:40: unknown key "refresh" in files (there is exclude, from, image, mode, owner, to)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(test.yaml))
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}
