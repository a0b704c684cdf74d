package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Version is the newest version of the language that this package reads.
const Version = 1

// maxSize bounds a spec, in bytes. A family of a thousand images has some 300 kB.
const maxSize = 1 << 20

// Load reads a spec from a file. What is wrong with the content is an Errors.
func Load(name string) (*Spec, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the spec: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading the spec: %w", err)
	}
	return Parse(name, data)
}

// Parse reads a spec from the content of a file. What is wrong with it is an Errors.
func Parse(name string, data []byte) (*Spec, error) {
	report := NewReport(name)
	root := parseYAML(data, report)
	if err := report.Err(); err != nil {
		return nil, err
	}
	s := &Spec{Filename: name, Data: bytes.Clone(data)}
	r := &reader{report: report, lines: strings.Split(string(data), "\n")}
	r.spec(root, s)
	if err := report.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

var start = Position{Line: 1, Column: 1}

// parseYAML returns the root of the file's only document.
func parseYAML(data []byte, report *Report) *yaml.Node {
	if len(data) > maxSize {
		report.AddAt(start, "", "the file is larger than %d MiB, which no spec is", maxSize>>20)
		return nil
	}
	if at, ok := invalidUTF8(data); ok {
		report.AddAt(at, "save the file as UTF-8", "the file is not UTF-8")
		return nil
	}
	if at, ok := controlCharacter(data); ok {
		report.AddAt(at, "remove it", "the file has a control character")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) || err == nil && isNull(document.Content[0]) {
		report.AddAt(start, `begin with "version: 1"`, "the file is empty")
		return nil
	}
	if err != nil {
		addSyntaxError(report, err, data)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		report.AddAt(Position{second.Content[0].Line, second.Content[0].Column}, "give each family a file of its own", "a second document begins here")
	case !errors.Is(err, io.EOF):
		addSyntaxError(report, err, data)
	}
	checkSize(document.Content[0], report)
	return document.Content[0]
}

// invalidUTF8 returns the place of the first byte that is no part of a character.
func invalidUTF8(data []byte) (Position, bool) {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return positionOf(data, i), true
		}
		i += size
	}
	return Position{}, false
}

// controlCharacter returns the place of the first character that YAML does not allow.
// https://yaml.org/spec/1.2.2/#51-character-set
func controlCharacter(data []byte) (Position, bool) {
	i := bytes.IndexFunc(data, isControl)
	if i < 0 {
		return Position{}, false
	}
	return positionOf(data, i), true
}

// isControl says whether a character is a control character, other than a tab and the ends of lines.
func isControl(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f
}

// positionOf returns the position of a byte.
func positionOf(data []byte, offset int) Position {
	before := data[:offset]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return Position{Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(line) + 1}
}

// How the YAML parser words its complaints; of an unknown anchor it does not say where.
var (
	yamlError     = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`unknown anchor '([^']*)' referenced`)
)

func addSyntaxError(report *Report, err error, data []byte) {
	at, message := start, err.Error()
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		at = positionOf(data, max(bytes.Index(data, []byte("*"+m[1])), 0))
	}
	if m := yamlError.FindStringSubmatch(message); m != nil {
		message = m[2]
		if line, err := strconv.Atoi(m[1]); err == nil {
			at.Line = min(max(line, 1), bytes.Count(data, []byte("\n"))+1)
		}
	}
	report.AddAt(at, "", "this is no YAML: %s", message)
}
