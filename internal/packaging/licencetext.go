package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

const licenceHead = `pulpimg has the following inside: programs, and the modules that they are linked from. "In" says which of its programs a module is in.
The sources of a Go module are those of its name and version, as the Go command downloads them; those of pulpimg say how all is compiled and
linked (pkg/engine/bundle/build), so that each of it can be exchanged.

`

var licenceRule = strings.Repeat("=", 100) + "\n"

// licenceText returns the list of modules and the texts of their licences. A text that several have alike is there once.
func licenceText(modules map[string]linked, inside map[string][]string) ([]byte, error) {
	var missing []string
	users := map[string][]string{} // of each text
	var texts []string
	var list bytes.Buffer
	table := tabwriter.NewWriter(&list, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "MODULE\tVERSION\tIN\n")
	for _, key := range slices.Sorted(maps.Keys(modules)) {
		m := modules[key]
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.path, m.version, strings.Join(inside[key], ", "))
		found := false
		for _, file := range m.files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("the licence of %s: %w", m.path, err)
			}
			normal := strings.Trim(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
			if normal == "" {
				continue
			}
			found = true
			if users[normal] == nil {
				texts = append(texts, normal)
			}
			if name := m.path + " " + m.version; !slices.Contains(users[normal], name) {
				users[normal] = append(users[normal], name)
			}
		}
		if !found {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("these modules have no licence: %s", strings.Join(missing, ", "))
	}
	if err := table.Flush(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString(licenceHead)
	out.Write(list.Bytes())
	for _, text := range texts {
		fmt.Fprintf(&out, "\n%s%s\n%s\n%s\n", licenceRule, strings.Join(users[text], "\n"), licenceRule, text)
	}
	return out.Bytes(), nil
}
