package startscript

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An Error says what is wrong with a line of a script.
type Error struct {
	File    string
	Line    int
	Problem string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Problem) }

// Parse reads a script; name is what an error calls it. The error is an *Error.
func Parse(name string, data []byte) (Script, error) {
	p := parser{}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		list, problem := split(strings.TrimSuffix(line, "\n"))
		if problem == "" && len(list) > 0 {
			problem = p.line(number, list)
		}
		if problem != "" {
			return Script{}, &Error{File: name, Line: number, Problem: problem}
		}
	}
	if !p.versioned {
		return Script{}, &Error{File: name, Line: max(number, 1), Problem: noVersion}
	}
	if p.script.Become.Line == 0 {
		return Script{}, &Error{File: name, Line: number, Problem: "no line says what to become: the last one is become -- COMMAND"}
	}
	return p.script, nil
}

// A parser reads a script line by line.
type parser struct {
	script    Script
	versioned bool
}

var noVersion = fmt.Sprintf("a script begins with the line: version %d", Version)

// keywords are what a line may begin with.
var keywords = []string{"version", "image", "require", "configure", "wait", "init", "become"}

// line takes in a line that has words and returns what is wrong with it, or nothing.
func (p *parser) line(number int, list []string) (problem string) {
	keyword, args := list[0], list[1:]
	switch {
	case !slices.Contains(keywords, keyword):
		return fmt.Sprintf("there is no stage %q: a line begins with %s", keyword, strings.Join(keywords, ", "))
	case !p.versioned && keyword != "version":
		return noVersion
	case p.script.Become.Line > 0:
		return fmt.Sprintf("become has to be the last line, and is in line %d", p.script.Become.Line)
	}
	switch keyword {
	case "version":
		return p.version(args)
	case "image":
		if len(args) != 1 || args[0] == "" || p.script.Image != "" {
			return "it is image NAME, once"
		}
		p.script.Image = args[0]
		return ""
	case "become":
		p.script.Become.Line = number
		return p.become(args)
	case "require":
		return p.require(number, args)
	}
	if len(args) == 0 {
		return map[string]string{
			"configure": "it is configure NAME..., with the names of settings",
			"wait":      "it is wait NAME..., with the names of services",
			"init":      "it is init COMMAND [ARGUMENT]...",
		}[keyword]
	}
	p.script.Stages = append(p.script.Stages, Stage{Kind: Kind(keyword), Args: args, Line: number})
	return ""
}

func (p *parser) version(args []string) (problem string) {
	if p.versioned {
		return "the version is in a line above already"
	}
	if len(args) != 1 || args[0] != strconv.Itoa(Version) {
		return fmt.Sprintf("this pulp-helper reads version %d of start scripts, not %q: build the image again with one pulpimg", Version, words(args))
	}
	p.versioned = true
	return ""
}

// variableName is what a variable of the environment may be called.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (p *parser) require(number int, args []string) (problem string) {
	const form = "it is require socket PATH, require file PATH or require variable NAME"
	if len(args) != 2 {
		return form
	}
	kind := Kind("require " + args[0])
	switch {
	case kind == RequireVariable && !variableName.MatchString(args[1]):
		return fmt.Sprintf("%q is no name for a variable", args[1])
	case kind != RequireVariable && kind.Requires() && !strings.HasPrefix(args[1], "/"):
		return fmt.Sprintf("%q is no absolute path", args[1])
	case !kind.Requires():
		return form
	}
	p.script.Stages = append(p.script.Stages, Stage{Kind: kind, Args: args[1:], Line: number})
	return ""
}

// umask is what --umask takes.
var umask = regexp.MustCompile(`^[0-7]{3,4}$`)

func (p *parser) become(args []string) (problem string) {
	const form = "it is become [--user USER] [--workdir DIRECTORY] [--umask MASK] -- COMMAND [ARGUMENT]..."
	b := &p.script.Become
	options := map[string]*string{"--user": &b.User, "--workdir": &b.Workdir, "--umask": &b.Umask}
	for len(args) > 0 && args[0] != "--" {
		value := options[args[0]]
		if value == nil || len(args) < 2 || *value != "" || args[1] == "" {
			return form
		}
		*value, args = args[1], args[2:]
	}
	if len(args) < 2 {
		return form
	}
	if b.Umask != "" && !umask.MatchString(b.Umask) {
		return fmt.Sprintf("%q is no umask: write three digits from 0 to 7", b.Umask)
	}
	b.Command = args[1:]
	return ""
}
