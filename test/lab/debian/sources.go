package debian

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Sources returns those apt sources of the host that serve Debian's own suite
// and its updates, component main, in the deb822 format of sources.list(5).
// etc is the host's /etc/apt. Other vendors' sources are left out: they are not
// needed, and not every machine that has them can reach them.
func Sources(etc fs.FS, suite string) (string, error) {
	files, err := sourceFiles(etc)
	if err != nil {
		return "", err
	}
	var stanzas []string
	for _, name := range files {
		text, err := fs.ReadFile(etc, name)
		if err != nil {
			return "", fmt.Errorf("reading the host's apt sources: %w", err)
		}
		parse := parseOneLine
		if path.Ext(name) == ".sources" {
			parse = parseDeb822
		}
		for _, s := range parse(string(text)) {
			if s, ok := s.only(suite); ok {
				stanzas = append(stanzas, s.String())
			}
		}
	}
	if len(stanzas) == 0 {
		return "", fmt.Errorf("no Debian %s in the apt sources of this host (/etc/apt): the lab needs a Debian host that has it", suite)
	}
	return strings.Join(stanzas, "\n"), nil
}

func sourceFiles(etc fs.FS) ([]string, error) {
	var files []string
	for _, pattern := range []string{"sources.list", "sources.list.d/*.list", "sources.list.d/*.sources"} {
		names, err := fs.Glob(etc, pattern)
		if err != nil {
			return nil, err
		}
		files = append(files, names...)
	}
	return files, nil
}

// source is one stanza of a deb822 file: its fields by lower-case name.
type source map[string]string

// only returns the source with nothing but the suite, its updates and
// component main, and whether anything is left of it then.
func (s source) only(suite string) (source, bool) {
	wanted := []string{suite, suite + "-updates", suite + "-security"}
	var suites []string
	for _, name := range strings.Fields(s["suites"]) {
		if slices.Contains(wanted, name) {
			suites = append(suites, name)
		}
	}
	switch {
	case len(suites) == 0,
		strings.EqualFold(s["enabled"], "no"),
		!slices.Contains(strings.Fields(s["types"]), "deb"),
		!slices.Contains(strings.Fields(s["components"]), "main"):
		return nil, false
	}
	kept := source{"types": "deb", "uris": s["uris"], "suites": strings.Join(suites, " "), "components": "main"}
	for _, name := range []string{"signed-by", "trusted"} {
		if value, ok := s[name]; ok {
			kept[name] = value
		}
	}
	return kept, true
}

func (s source) String() string {
	var text strings.Builder
	for _, name := range []string{"Types", "URIs", "Suites", "Components", "Signed-By", "Trusted"} {
		if value, ok := s[strings.ToLower(name)]; ok {
			fmt.Fprintf(&text, "%s: %s\n", name, value)
		}
	}
	return text.String()
}

// parseDeb822 reads the stanzas of a .sources file. A line that begins with
// white space continues the field above it, as an embedded key does.
func parseDeb822(text string) []source {
	var sources []source
	current, field := source{}, ""
	for line := range strings.Lines(text + "\n\n") {
		line = strings.TrimRight(line, " \t\r\n")
		name, value, found := strings.Cut(line, ":")
		switch {
		case line == "":
			if len(current) > 0 {
				sources = append(sources, current)
			}
			current, field = source{}, ""
		case line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			current[field] += "\n" + line
		case found:
			field = strings.ToLower(name)
			current[field] = strings.TrimSpace(value)
		}
	}
	return sources
}

// parseOneLine reads a .list file: "deb [option=value ...] uri suite component...".
func parseOneLine(text string) []source {
	var sources []source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		s := source{"types": kind}
		if options, after, ok := strings.Cut(rest, "]"); ok && strings.HasPrefix(options, "[") {
			for _, option := range strings.Fields(options[1:]) {
				name, value, _ := strings.Cut(option, "=")
				s[name] = value
			}
			rest = after
		}
		words := strings.Fields(rest)
		if len(words) < 3 {
			continue
		}
		s["uris"], s["suites"], s["components"] = words[0], words[1], strings.Join(words[2:], " ")
		sources = append(sources, s)
	}
	return sources
}
