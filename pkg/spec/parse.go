package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Version is the newest version of the language that this package reads.
const Version = 1

// maxSize bounds a spec, in bytes. A family of a thousand images has some 300 kB.
const maxSize = 1 << 20

// Load reads a spec from a file, and the files that it extends. An error about the content is an Errors, and comes with the part of the
// spec that could be read, as from Parse.
func Load(name string) (*Spec, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the spec: %w", err)
	}
	return ParseFS(name, data, folder(filepath.Dir(name)))
}

// A folder is the directory of a spec. It opens regular files of the directory, and none outside it, whatever symbolic links say.
type folder string

// Open implements fs.FS.
func (f folder) Open(name string) (fs.File, error) {
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, err
	}
	return root.Open(name)
}

// readFile reads a file, up to a little more than it may have.
func readFile(name string) ([]byte, error) {
	// Without O_NONBLOCK, opening a pipe without a writer would block forever.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(data) == 0 && info.Mode()&fs.ModeNamedPipe != 0 {
		err = fmt.Errorf("%s is a pipe that nobody writes to", name)
	}
	return data, err
}

// Parse reads a spec from the content of a file. The error is an Errors. With it, Parse still returns the part of the spec that it could
// read, so that the caller can look for more errors; or nil, when there is too little of it. A spec that extends a file is an error: there is
// no folder to read it from.
func Parse(name string, data []byte) (*Spec, error) {
	return ParseFS(name, data, nil)
}

// ParseFS does the same, with the folder that the files are in that the spec extends.
func ParseFS(name string, data []byte, folder fs.FS) (*Spec, error) {
	report := NewReport(name)
	l := loader{reader: newReader(report), name: name, folder: folder}
	root := l.load(data)
	if root == nil {
		return nil, report.Err()
	}
	s := &Spec{Filename: name, Data: bytes.Clone(data), Below: l.files[1:]}
	l.spec(root, s)
	return s, report.Err()
}

// runes returns the characters of each line.
func runes(data []byte) [][]rune {
	var lines [][]rune
	for line := range strings.SplitSeq(string(data), "\n") {
		lines = append(lines, []rune(line))
	}
	return lines
}

var start = Position{Line: 1, Column: 1}

// parseYAML returns the root of the file's only document; nil, if the file is empty. The hint is for a file with more documents.
func parseYAML(data []byte, report *Report, several string) *yaml.Node {
	if len(data) > maxSize {
		report.AddAt(start, "", "the file is larger than %d MiB, the largest size of a spec", maxSize>>20)
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
	documents, err := decode(data)
	switch {
	case err != nil:
		addSyntaxError(report, err, data)
		return nil
	case len(documents) == 0 || isNull(documents[0].Content[0]):
		return nil
	case len(documents) > 1:
		second := documents[1].Content[0]
		// Of an empty document at the end of the file, the parser says that it is in the line after.
		at := Position{Line: min(second.Line, bytes.Count(data, []byte("\n"))+1), Column: second.Column}
		report.AddAt(at, several, "a second document begins here")
	}
	return documents[0].Content[0]
}

// decode returns the file's documents, two at most.
func decode(data []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var documents []*yaml.Node
	for len(documents) < 2 {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		documents = append(documents, &document)
	}
	return documents, nil
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

// isControl reports whether a character is a control character, other than a tab and the ends of lines.
func isControl(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f
}

// positionOf returns the position of a byte.
func positionOf(data []byte, offset int) Position {
	before := data[:offset]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return Position{Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(line) + 1}
}
