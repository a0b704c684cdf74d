package family

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/contract"
	"github.com/pulpimg/pulpimg/pkg/language"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startscript"
)

// step resolves a step. It returns nil for one that could not be read; there is a complaint about it.
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
	case s.Run != nil:
		return r.run(s)
	}
	return nil
}

func (r *resolver) fetch(s spec.Step) Step {
	source, ok := r.substitute.known(s.Repo.URL, atBuild)
	u, err := url.Parse(source)
	if ok && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		r.report.Add(s.Repo.URL.At, "write https://HOST/PATH", "%q is no URL to fetch a file from", source)
	}
	return Fetch{
		Common: Common{Name: "repo " + u.Redacted(), Range: s.At}, // titles go into logs
		URL:    source,
		SHA256: r.checked(s.Repo.SHA256, sha256Hex, "SHA-256 digest: it has 64 digits from 0 to f"),
		Path:   r.unreserved(s.Repo.To, "the file"),
		Mode:   0o644,
	}
}

// repoFile writes a repository file as yum and dnf read it.
// https://dnf.readthedocs.io/en/latest/conf_ref.html
func (r *resolver) repoFile(s spec.Step) Step {
	d := s.Repo
	id := r.checked(d.ID, repoID, "id for a repository")
	gpgKey := r.line(d.GPGKey)
	lines := []string{
		"[" + id + "]",
		"name=" + cmp.Or(r.line(d.Name), id),
		"baseurl=" + r.line(d.BaseURL),
		"enabled=" + digit(d.Enabled, true),
		"gpgcheck=" + digit(d.GPGCheck, gpgKey != ""),
	}
	if gpgKey != "" {
		lines = append(lines, "gpgkey="+gpgKey)
	}
	return Files{
		Common: Common{Name: "repo " + id, Range: s.At},
		Files:  []File{{Path: r.unreserved(d.To, "the file"), Mode: 0o644, Content: text(strings.Join(lines, "\n") + "\n")}},
	}
}

// line returns a string that has to fit into one line of a repository file.
func (r *resolver) line(t spec.Text) string {
	value := r.substitute.text(t, verbatim)
	if strings.ContainsAny(value, "\n\r") {
		r.report.Add(t.At, "", "a value of a repository file is one line, and this has several")
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

func (r *resolver) packages(s spec.Step) Step {
	step := Packages{
		Manager:  PackageManager(s.Packages.Tool),
		Groups:   r.checkedAll(s.Packages.Groups, groupName, "name for a group of packages"),
		Packages: r.checkedAll(s.Packages.Packages, packageName, "name for a package"),
	}
	var parts []string
	if len(step.Groups) > 0 {
		verb := "groupinstall"
		if step.Manager == DNF {
			verb = "group install"
		}
		parts = append(parts, verb+" "+strings.Join(step.Groups, ", "))
	}
	if len(step.Packages) > 0 {
		parts = append(parts, "install "+strings.Join(step.Packages, " "))
	}
	tool := string(step.Manager)
	if step.Manager == Apt {
		tool = "apt-get"
	}
	step.Common = Common{Name: tool + " " + strings.Join(parts, ", "), Range: s.At}
	return step
}

func (r *resolver) helpers(s spec.Step) Step {
	var names []string
	for _, h := range s.Helpers {
		name, ok := r.substitute.known(h, atBuild)
		if ok && !slices.Contains(language.Helpers(), name) {
			r.report.Add(h.At, spec.DidYouMean(name, language.Helpers()), "there is no helper called %q", name)
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

func (r *resolver) run(s spec.Step) Step {
	step := Run{
		Script:  r.substitute.text(s.Run.Script, verbatim),
		Args:    r.substitute.texts(s.Run.Command, verbatim),
		Secrets: r.checkedAll(s.Run.Secrets, secretID, "id for a secret"),
	}
	title := step.Script
	if len(step.Args) > 0 {
		title = strings.Join(step.Args, " ")
	}
	step.Common = Common{Name: "run " + firstLine(title), Range: s.At}
	return step
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
