package family

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// step resolves a step. It returns nil for one that could not be read; there is an error about it already.
func (r *resolver) step(s spec.Step) Step {
	switch {
	case s.Repo != nil && s.Repo.URL.IsSet():
		return r.fetch(s)
	case s.Repo != nil:
		return r.repoFile(s)
	case s.Packages != nil:
		return r.packages(s)
	case s.Lens != nil:
		return r.lens(s)
	case s.Helpers != nil:
		return r.helpers(s)
	case s.Files != nil:
		return r.copies(s)
	case s.Directory != nil:
		return r.directories(s)
	case s.Run != nil:
		return r.run(s)
	case s.Env != nil:
		return r.envStep(s)
	}
	return nil
}

func (r *resolver) fetch(s spec.Step) Step {
	substitute := r.substitute
	substitute.secret = nil // here is where credentials belong
	source, ok := substitute.expand(s.Repo.URL, atBuild)
	u, err := parseURL(source)
	if ok && err != nil {
		r.report.Add(s.Repo.URL.At, "write https://HOST/PATH", "%v", err)
	}
	return Fetch{
		Common: Common{Name: "repo " + u.String(), Range: s.At},
		URL:    u,
		SHA256: r.matchForm(s.Repo.SHA256, sha256Hex, "SHA-256 digest: it has 64 digits from 0 to f"),
		Path:   r.unreserved(s.Repo.To, "the file"),
		Mode:   0o644,
	}
}

// repoFile writes a repository file as yum and dnf read it.
// https://dnf.readthedocs.io/en/latest/conf_ref.html
func (r *resolver) repoFile(s spec.Step) Step {
	d := s.Repo
	id := r.matchForm(d.ID, repoID, "id for a repository")
	name := r.line(d.Name, leaveOut, "name of repo")
	gpgKey := r.line(d.GPGKey, leaveOut, "gpgkey of repo")
	lines := []string{
		"[" + id + "]",
		"name=" + cmp.Or(name, id),
		"baseurl=" + r.line(d.BaseURL, "", "baseurl of repo"),
		"enabled=" + digit(d.Enabled, true),
		"gpgcheck=" + digit(d.GPGCheck, d.GPGKey.IsSet()),
	}
	if d.GPGKey.IsSet() {
		lines = append(lines, "gpgkey="+gpgKey)
	}
	return Files{
		Common: Common{Name: "repo " + id, Range: s.At},
		Files:  []File{{Path: r.unreserved(d.To, "the file"), Mode: 0o644, Content: text(strings.Join(lines, "\n") + "\n")}},
	}
}

const leaveOut = "leave out the key where there is nothing to say"

// line returns a string that has to fit into one line of a repository file.
func (r *resolver) line(t spec.Text, hint, what string) string {
	value := r.nonEmpty(t, verbatim, hint, what)
	if strings.ContainsAny(value, "\n\r") {
		r.report.Add(t.At, "", "a value of a repository file is one line, and this has several")
	}
	for _, word := range strings.FieldsFunc(value, func(c rune) bool { return c == ',' || unicode.IsSpace(c) }) {
		if holdsCredentials(word) {
			r.report.Add(t.At, "write a file with credentials in a run step that has secrets, and remove it in the same step",
				"%s holds credentials, and the repository file is part of the image", scrub(word))
		}
	}
	return value
}

func digit(b *bool, otherwise bool) string {
	if b != nil {
		otherwise = *b
	}
	if otherwise {
		return "1"
	}
	return "0"
}

func (r *resolver) helpers(s spec.Step) Step {
	var names []string
	for _, h := range s.Helpers {
		name, ok := r.substitute.expand(h, atBuild)
		if ok && !slices.Contains(schema.Helpers(), name) {
			r.report.Add(h.At, spec.DidYouMean(name, schema.Helpers()), "there is no helper called %q", name)
		}
		names = append(names, name)
	}
	return Files{
		Common: Common{Name: "helpers " + strings.Join(names, " "), Range: s.At},
		Files: []File{
			{Path: startscript.Helper, Mode: 0o755, Content: helper{r.assets}},
			{Path: contract.Path, Mode: 0o644, Content: contractFile{r.contract}},
		},
		Helpers: names,
		Startup: true,
	}
}

// titleLength bounds what a step's title shows of a script.
const titleLength = 60

func firstLine(text string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	characters := []rune(strings.Map(func(c rune) rune {
		if isControl(c) {
			return ' '
		}
		return c
	}, line))
	if len(characters) > titleLength {
		return string(characters[:titleLength]) + "…"
	}
	if rest != "" {
		return string(characters) + " …"
	}
	return string(characters)
}
