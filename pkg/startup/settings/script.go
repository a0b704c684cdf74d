//go:build linux

package settings

import (
	"fmt"
	"strings"
)

// The file as augtool sees it: alone, in a root directory of its own. So nothing in the file's real name needs quoting, neither in a
// path expression nor in a transform, where blanks and brackets would mean something. The names are short because augtool reads its
// script with readline, which takes a microsecond for a character.
const (
	copyName = "f"
	treePath = "/files/" + copyName
	// errorPath is where Augeas notes that it could not read or write the file.
	errorPath = "/augeas/files/" + copyName + "/error"
	// nowhere is a node outside of every file: something to insert beside when nothing is to be inserted.
	nowhere = "/nowhere"
)

// script returns the commands for augtool that write a file's values. augtool continues after a command that fails, so that a
// caller has to check its output before using the file.
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
		v.write(command)
	}
	command("save")
	command("print", errorPath)
	return b.String()
}

// Which lines of a section are what, by their labels in the lens.
const (
	isEntry = "label() =~ regexp('[^#].*|#other')"       // no comment, and nothing that continues an entry
	isLine  = "label() =~ regexp('[^#].*|#other|#more')" // no comment
	goesOn  = "following-sibling::*[" + isLine + "][1][label() = '#more']"
)

// write gives the commands for one value, in path expressions that Augeas 1.1 knows, which old bases have. ConfigParser reads sections of
// one name as one, does not mind the case of a key, and takes the last one that is there; so all of them get the value.
// https://github.com/hercules-team/augeas/wiki/Path-expressions
func (v assignment) write(command func(...string)) {
	// The name of a key has no character but the dot that means something in a regular expression.
	name := strings.ReplaceAll(v.key, ".", "[.]")
	isKey := fmt.Sprintf("label() =~ regexp('%s', 'i')", name)
	isCommentedOut := fmt.Sprintf(". =~ regexp('%s *[:=].*', 'i')", name)
	section := fmt.Sprintf("%s/target[. = '%s']", treePath, v.section)

	find := func() { command("defvar", "k", "$s/*["+isKey+"]") }
	insert := func(where, beside string) {
		command("ins", v.key, where, fmt.Sprintf("(%s | %s)[1]", beside, nowhere)) // ins wants exactly one node
		find()
	}

	command("set", section+"[last()]", v.section)
	command("defvar", "s", section)
	find()
	// A missing key is added after a comment that has the key, but not between an entry and the lines that continue it. Otherwise it is
	// added after the last entry of the section, or at its top.
	insert("after", fmt.Sprintf("($s[count($k) = 0]/#comment[%s][count(%s) = 0])[last()]", isCommentedOut, goesOn))
	insert("after", fmt.Sprintf("$s[last()][count($k) = 0]/*[%s][last()]", isLine))
	insert("before", "$s[last()][count($k) = 0]/*[1]")
	command("setm", "$s[last()][count($k) = 0]", v.key)
	find()

	// Lines that continue the old value are removed. To Python 2, an indented comment is such a line: it stays, without its indentation.
	command("defvar", "m", fmt.Sprintf("$s/*[preceding-sibling::*[%s][1][%s]]", isEntry, isKey))
	command("rm", "$m/indent")
	command("rm", "$m[label() = '#more']")
	// Python 2 takes no comment to be behind an empty value, or one with a semicolon in it.
	if v.value == "" || strings.Contains(v.value, ";") {
		command("rm", "$k/#inline")
	}
	if v.value == "" {
		command("setm", "$k", ".")
	} else {
		command("setm", "$k", ".", encode(v.value))
	}
}

// quote returns a text as one word of augtool's script.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
