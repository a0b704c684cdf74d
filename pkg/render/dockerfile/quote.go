package dockerfile

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// How a Dockerfile reads words: https://docs.docker.com/reference/dockerfile/#environment-replacement

// plainWord is a word that means itself wherever it stands.
var plainWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9/._+@=:,~%-]+$`) })

// escaped takes their meaning from the characters that instructions which replace variables give one.
func escaped(word string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`, `$`, `\$`).Replace(word)
}

// inQuotes does so between quotation marks, where an apostrophe means nothing.
var inQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)

// quoted makes one word of a text.
func quoted(text string) string { return `"` + inQuotes.Replace(text) + `"` }

// word is quoted where it has to be.
func word(text string) string {
	if plainWord().MatchString(text) {
		return text
	}
	return quoted(text)
}

// newlineArg is a build argument that holds a newline. A Dockerfile has no way to write one in the value of a label or a variable.
const newlineArg = "NEWLINE"

// value returns a label or variable value in quotes, and reports whether it needs newlineArg.
func value(text string) (quotedText string, newline bool) {
	parts := strings.Split(text, "\n")
	for i, part := range parts {
		parts[i] = inQuotes.Replace(part)
	}
	return `"` + strings.Join(parts, "${"+newlineArg+":?}") + `"`, len(parts) > 1
}

// envValue is the value of a variable that may name others. One that has no value fails the build, as it does in any build of the family.
func envValue(v family.EnvVar) (quotedText string, newline bool) {
	var b strings.Builder
	b.WriteByte('"')
	v.Pieces(func(text, name string) {
		if name != "" {
			b.WriteString("${" + name + ":?}")
			return
		}
		part, hasNewline := value(text)
		b.WriteString(part[1 : len(part)-1])
		newline = newline || hasNewline
	})
	b.WriteByte('"')
	return b.String(), newline
}

// list is the exec form of a command, or a list of paths that no variable is replaced in.
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = jsonString(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// escapedList is a list of words of an instruction that replaces variables in them.
func escapedList(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = escaped(w)
	}
	return list(out)
}

func jsonString(text string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string can always be encoded, and a buffer written to
	return strings.TrimSuffix(b.String(), "\n")
}

// oneLine is a text for a comment.
func oneLine(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, text)
}
