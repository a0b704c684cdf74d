package settings

import (
	"fmt"
	"strings"
)

// The file as augtool sees it: alone, in a root directory of its own. So nothing in the file's real name needs quoting, neither in a
// path expression nor in a transform, where blanks and brackets would mean something.
const (
	copyName = "settings"
	treePath = "/files/" + copyName
	// errorPath is where Augeas notes that it could not read or write the file.
	errorPath = "/augeas/files/" + copyName + "/error"
	// nowhere is a node outside of every file: something to insert beside when nothing is to be inserted.
	nowhere = "/nowhere/node"
)

// script returns the commands for augtool that write a file's values. augtool goes on after a command that fails, so that a caller has
// to look at what it said before the file is used.
// https://augeas.net/docs/references/1.14.0/augtool.html
func script(values []assignment) string {
	var b strings.Builder
	command := func(words ...string) {
		b.WriteString(words[0])
		for _, word := range words[1:] {
			b.WriteString(" " + quote(word))
		}
		b.WriteByte('\n')
	}
	command("print", errorPath)
	command("set", nowhere)
	for _, v := range values {
		n := nodesOf(v)
		command("set", n.section+"[last()]", v.section)
		command("ins", v.key, "after", orNowhere(n.commentedOut))
		command("ins", v.key, "after", orNowhere(n.lastEntry))
		command("ins", v.key, "before", orNowhere(n.first))
		command("setm", n.incomplete, v.key) // a section with nothing in it
		command("rm", n.continuations)
		command("rm", n.indentations)
		if v.value == "" || strings.Contains(v.value, ";") {
			command("rm", n.inline)
		}
		if v.value == "" {
			command("setm", n.keys, ".")
		} else {
			command("setm", n.keys, ".", encode(v.value))
		}
	}
	command("save")
	command("print", errorPath)
	return b.String()
}

// nodes are the path expressions of one setting. They use what Augeas 1.1 knows, which old bases have. A key that is there already is
// changed at all its places; the expressions from incomplete to first match nothing then.
// https://github.com/hercules-team/augeas/wiki/Path-expressions
type nodes struct {
	section       string // all sections of this name: ConfigParser reads them as one
	keys          string // the keys of this name in them; their case does not matter, and the last one counts
	incomplete    string // the last of the sections, if none of them has the key
	commentedOut  string // the last comment that is such a key
	lastEntry     string // the last line of the last of the sections that is neither a comment nor empty
	first         string // the first line of the last of the sections
	continuations string // the lines that continue the keys' values
	indentations  string // what makes comments below the keys a part of their values in Python 2
	inline        string // the comments behind the values, which Python 2 overlooks if a value is empty or has a semicolon
}

// What belongs to a line of its own that is no comment; and with it, what continues it.
const (
	anyEntry = "label() =~ regexp('[^#].*|#other')"
	anyLine  = "label() =~ regexp('[^#].*|#other|#more')"
)

func nodesOf(v assignment) nodes {
	section := fmt.Sprintf("%s/target[. = '%s']", treePath, v.section)
	// The name of a key has no character but the dot that means something in a regular expression.
	name := strings.ReplaceAll(v.key, ".", "[.]")
	isKey := fmt.Sprintf("label() =~ regexp('%s', 'i')", name)
	keys := fmt.Sprintf("%s/*[%s]", section, isKey)
	lacking := fmt.Sprintf("[count(%s) = 0]", keys)
	incomplete := section + "[last()]" + lacking
	// The entry that a line belongs to is the nearest one before it.
	owned := fmt.Sprintf("[preceding-sibling::*[%s][1][%s]]", anyEntry, isKey)
	// A comment among the lines that continue a value is no place for a key.
	between := fmt.Sprintf("following-sibling::*[%s][1][label() = '#more']", anyLine)
	return nodes{
		section:       section,
		keys:          keys,
		incomplete:    incomplete,
		commentedOut:  fmt.Sprintf("(%s%s/#comment[. =~ regexp('%s *[:=].*', 'i')][count(%s) = 0])[last()]", section, lacking, name, between),
		lastEntry:     fmt.Sprintf("%s/*[%s][last()]", incomplete, anyLine),
		first:         incomplete + "/*[1]",
		continuations: section + "/#more" + owned,
		indentations:  section + "/#comment" + owned + "/indent",
		inline:        keys + "/#inline",
	}
}

// orNowhere returns an expression that matches one node in any case, as ins wants it.
func orNowhere(expression string) string { return fmt.Sprintf("(%s | %s)[1]", expression, nowhere) }

// quote makes a word of a text, which augtool reads as it is.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
