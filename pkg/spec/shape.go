package spec

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Here are hints for values that are right but for their shape, such as a word where a list of words belongs.

// maxHint bounds the text of a hint that repeats a value.
const maxHint = 80

// ofVariables is a hint for variables that are no mapping.
const ofVariables = "write NAME: { default: value }"

// single reads a mapping that somebody may have written as the one value that matters. It reports such a value with a hint that has
// it after some text and before some, and reports whether it did.
func (r *reader) single(n *yaml.Node, what, before, after string) bool {
	scalar := r.follow(n)
	if scalar.Kind != yaml.ScalarNode || isNull(scalar) {
		return false
	}
	r.checkTag(n)
	hint := before + written(scalar.Value) + after
	if len(hint) > maxHint {
		hint = before + "..." + after
	}
	r.report.Add(r.rangeOf(n), hint, "%s has to be a mapping, not %s", what, kindOf(scalar))
	return true
}

// asList returns a hint of how a string is written as a list of its words; "" for what has none.
func asList(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || isNull(n) || n.ShortTag() == "!!bool" || strings.TrimSpace(n.Value) == "" {
		return ""
	}
	hint := "write " + words(n.Value)
	if strings.ContainsAny(n.Value, "\"'\\\n") || len(hint) > maxHint {
		return "write a list of words"
	}
	return hint
}

// asCommands returns a hint of how strings are written as a list of commands: as one of them, or, where one has several words, each as a command of
// its own. It is "" when there is none, or something else among them.
func asCommands(items []*yaml.Node) string {
	if len(items) == 0 {
		return ""
	}
	var each, all []string
	several := false
	for _, item := range items {
		if item.Kind != yaml.ScalarNode || item.ShortTag() != "!!str" || strings.TrimSpace(item.Value) == "" {
			return ""
		}
		several = several || len(strings.Fields(item.Value)) > 1
		each, all = append(each, words(item.Value)), append(all, written(item.Value))
	}
	hint := "write [[" + strings.Join(all, ", ") + "]]"
	if several {
		hint = "write [" + strings.Join(each, ", ") + "]"
	}
	if len(hint) > maxHint || strings.ContainsAny(hint, `\'`) {
		return "write a list of words for each command"
	}
	return hint
}

// words writes the words of a string as a list.
func words(s string) string {
	var out []string
	for _, word := range strings.Fields(s) {
		out = append(out, written(word))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/._-]*$`)

// written returns a string as YAML has it, with quotes where it needs some.
func written(s string) string {
	if scalar := (&yaml.Node{Kind: yaml.ScalarNode, Value: s}); plain.MatchString(s) && scalar.ShortTag() == "!!str" {
		return s
	}
	return strconv.Quote(s)
}
