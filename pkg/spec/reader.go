package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// extension is how keys begin that mean nothing to this program, where the language says which keys there are. Where the spec gives the
// names, they are names like others.
const extension = "x-"

// A reader reads the nodes of YAML documents and reports what is wrong with them.
type reader struct {
	report *Report
	top    *source // the text of all nodes that are not in sources
	// sources are the texts of nodes of files that the spec extends.
	sources map[*yaml.Node]*source
	// ends are the last lines of mappings that were merged of several files.
	ends map[*yaml.Node]int
	// removes are hints for null where it takes nothing away.
	removes map[*yaml.Node]string
}

func newReader(report *Report) *reader {
	return &reader{report: report, sources: map[*yaml.Node]*source{}, ends: map[*yaml.Node]int{}, removes: map[*yaml.Node]string{}}
}

// fields says how the value of each key of a mapping is read.
type fields map[string]func(*yaml.Node)

// object reads a mapping with known keys. It reports whether there is a mapping to read.
func (r *reader) object(n *yaml.Node, what string, keys fields) bool {
	return r.objectWith(n, what, keys, func(string) string { return "" })
}

// objectWith does the same. For a key that there is not, instead returns what to do, or "".
func (r *reader) objectWith(n *yaml.Node, what string, keys fields, instead func(key string) string) bool {
	for _, p := range r.pairs(n, what) {
		if r.report.Full() {
			break
		}
		read, ok := keys[p.Name.Value]
		if !ok {
			hint := instead(p.Name.Value)
			if hint == "" {
				hint = DidYouMean(p.Name.Value, slices.Collect(maps.Keys(keys)))
			}
			r.report.Add(p.Name.At, hint, "unknown key %q in %s", p.Name.Value, what)
			continue
		}
		read(p.Value)
	}
	return r.follow(n).Kind == yaml.MappingNode
}

// pairs returns the keys and values of a mapping with known keys, without extensions.
func (r *reader) pairs(n *yaml.Node, what string) []Named[*yaml.Node] {
	isExtension := func(p Named[*yaml.Node]) bool { return strings.HasPrefix(p.Name.Value, extension) }
	return slices.DeleteFunc(r.names(n, what), isExtension)
}

// names returns the keys and values of a mapping whose keys are names that the spec gives.
func (r *reader) names(n *yaml.Node, what string) []Named[*yaml.Node] {
	return r.namesOr(n, what, "")
}

// namesOr does the same, with a hint for a value that is no mapping.
func (r *reader) namesOr(n *yaml.Node, what, hint string) []Named[*yaml.Node] {
	at := r.rangeOf(n)
	r.checkTag(n)
	n = r.follow(n)
	if n.Kind != yaml.MappingNode {
		if isNull(n) {
			hint = r.removes[n]
		}
		r.report.Add(at, hint, "%s has to be a mapping, not %s", what, kindOf(n))
		return nil
	}
	var out []Named[*yaml.Node]
	seen := map[string]Position{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		keyAt := r.rangeOf(key)
		if key.Tag == "!!merge" {
			r.report.Add(keyAt, "write the keys out, or base one image on another with from", "merge keys (<<) are not part of the language")
			continue
		}
		if key.Kind != yaml.ScalarNode || key.Value == "" && isNull(key) {
			r.report.Add(keyAt, "", "a key in %s has to be a name, not %s", what, kindOf(key))
			continue
		}
		if first, ok := seen[key.Value]; ok {
			r.report.Add(keyAt, fmt.Sprintf("it is already there in line %d, column %d", first.Line, first.Column), "duplicate key %q in %s", key.Value, what)
			continue
		}
		seen[key.Value] = keyAt.Start
		out = append(out, Named[*yaml.Node]{Name: r.textOf(key), Value: value})
	}
	return out
}

// items returns the items of a list.
func (r *reader) items(n *yaml.Node, what string) []*yaml.Node {
	return r.itemsOr(n, what, "")
}

// itemsOr does the same, with a hint for a value that is no list.
func (r *reader) itemsOr(n *yaml.Node, what, hint string) []*yaml.Node {
	at := r.rangeOf(n)
	r.checkTag(n)
	n = r.follow(n)
	if n.Kind != yaml.SequenceNode {
		if isNull(n) {
			hint = r.removes[n]
		}
		r.report.Add(at, hint, "%s has to be a list, not %s", what, kindOf(n))
		return nil
	}
	return n.Content
}

// text reads a string. A wrong one is set all the same, so that it is not reported as missing too.
func (r *reader) text(into *Text, what string) func(*yaml.Node) {
	return func(n *yaml.Node) { *into = r.string(n, what, "") }
}

// string reads a string, with a hint for a mapping or a list.
func (r *reader) string(n *yaml.Node, what, hint string) Text {
	at := r.rangeOf(n)
	r.checkTag(n)
	scalar := r.follow(n)
	wrong := Text{Value: "?", At: at}
	if scalar.Kind != yaml.ScalarNode {
		r.report.Add(at, hint, "%s has to be a string, not %s", what, kindOf(scalar))
		return wrong
	}
	if scalar.ShortTag() != "!!str" {
		hint := fmt.Sprintf("write %q", scalar.Value)
		if isNull(scalar) {
			hint = r.removes[n]
		}
		r.report.Add(at, hint, "%s has to be a string, not %s", what, kindOf(scalar))
		return wrong
	}
	if strings.ContainsFunc(scalar.Value, isControl) {
		r.report.Add(at, "", "%s has a control character", what)
	}
	if n != scalar {
		return r.behind(n)
	}
	return r.textOf(scalar)
}

// texts reads a list of strings.
func (r *reader) texts(into *[]Text, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		for i, item := range r.itemsOr(n, what, asList(r.follow(n))) {
			if t := r.string(item, fmt.Sprintf("item %d of %s", i+1, what), ""); t.IsSet() {
				*into = append(*into, t)
			}
		}
	}
}

// list does the same for a list that replaces an inherited one: an empty list is not nil.
func (r *reader) list(into *[]Text, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		*into = []Text{}
		r.texts(into, what)(n)
	}
}

// namedTexts reads a mapping of names to strings.
func (r *reader) namedTexts(into *[]Named[Text], what string) func(*yaml.Node) {
	return r.namedTextsOr(into, what, "write NAME: value")
}

// namedTextsOr does the same, with a hint for a value that is no mapping, and for a value of it that is a mapping or a list.
func (r *reader) namedTextsOr(into *[]Named[Text], what, hint string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		for _, p := range r.namesOr(n, what, hint) {
			*into = append(*into, Named[Text]{Name: p.Name, Value: r.string(p.Value, p.Name.Value, hint)})
		}
	}
}

// optionalText reads a string that may be left out.
func (r *reader) optionalText(into **Text, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var t Text
		r.text(&t, what)(n)
		*into = &t
	}
}

// boolean reads true or false.
func (r *reader) boolean(into *bool, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		r.checkTag(n)
		scalar := r.follow(n)
		if scalar.Kind != yaml.ScalarNode || scalar.ShortTag() != "!!bool" {
			r.report.Add(r.rangeOf(n), "", "%s has to be true or false, not %s", what, kindOf(scalar))
			return
		}
		*into = scalar.Value == "true" || scalar.Value == "True" || scalar.Value == "TRUE"
	}
}

func (r *reader) optionalBoolean(into **bool, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		*into = new(bool)
		r.boolean(*into, what)(n)
	}
}

// count reads a number from 1 up.
func (r *reader) count(into *int, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		r.checkTag(n)
		scalar := r.follow(n)
		value, err := strconv.Atoi(scalar.Value)
		if scalar.Kind != yaml.ScalarNode || scalar.ShortTag() != "!!int" || err != nil || value < 1 {
			r.report.Add(r.rangeOf(n), "", "%s has to be a number from 1 up, not %s", what, kindOf(scalar))
			return
		}
		*into = value
	}
}

// duration reads a span of time in Go's notation.
func (r *reader) duration(into *time.Duration, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		r.checkTag(n)
		scalar := r.follow(n)
		value, err := time.ParseDuration(scalar.Value)
		if scalar.Kind != yaml.ScalarNode || err != nil || value <= 0 {
			r.report.Add(r.rangeOf(n), `such as "5s" or "1m30s"`, "%s has to be a span of time, not %s", what, kindOf(scalar))
			return
		}
		*into = value
	}
}

// octal reads a file mode, which YAML may take for a number.
func (r *reader) octal(into *Text, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		r.checkTag(n)
		scalar := r.follow(n)
		if scalar.Kind != yaml.ScalarNode || isNull(scalar) {
			r.report.Add(r.rangeOf(n), `such as "0644"`, "%s has to be a file mode, not %s", what, kindOf(scalar))
			return
		}
		*into = Text{Value: scalar.Value, At: r.rangeOf(n)}
	}
}

// follow returns what an alias stands for.
func (r *reader) follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// checkTag reports a tag that gives a value another type.
func (r *reader) checkTag(n *yaml.Node) {
	n = r.follow(n)
	if n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str" {
		r.report.Add(r.rangeOf(n), "leave it out", "the tag %s is not part of the language", n.Tag)
	}
}

// textOf returns the string of a scalar, which is written where the scalar is.
func (r *reader) textOf(n *yaml.Node) Text {
	t := Text{Value: n.Value, At: r.rangeOf(n)}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		t.quote = 1
	}
	t.inline = n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && r.sourceOf(n).has(n.Line, n.Column+t.quote, n.Value)
	return t
}

// behind returns the string that an alias stands for. Where the alias is written, no part of the string is.
func (r *reader) behind(alias *yaml.Node) Text {
	return Text{Value: alias.Alias.Value, At: r.rangeOf(alias)}
}

// rangeOf returns where a node is written. For an alias, that is where the alias is.
func (r *reader) rangeOf(n *yaml.Node) Range {
	// The parser places a value that is missing at the end of the file in the line after.
	text := r.sourceOf(n)
	from := Position{Line: min(n.Line, max(len(text.lines), 1)), Column: n.Column, File: text.name}
	return Range{Start: from, End: Position{Line: max(r.lastLine(n), from.Line), Column: n.Column, File: text.name}}
}

func (r *reader) lastLine(n *yaml.Node) int {
	if last, ok := r.ends[n]; ok {
		return last
	}
	last := n.Line
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		last += strings.Count(n.Value, "\n")
	}
	if len(n.Content) > 0 {
		last = max(last, r.lastLine(n.Content[len(n.Content)-1]))
	}
	return last
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// kindOf names what a node is, in people's words.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!bool":
		return "the truth value " + n.Value
	case "!!timestamp":
		return "the date " + n.Value
	}
	return fmt.Sprintf("%q", n.Value)
}
