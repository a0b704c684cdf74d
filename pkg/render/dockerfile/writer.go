package dockerfile

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/pulpimg/pulpimg/internal/gendir"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/templates"
)

// imageFiles are an image's folder, and what the files at the top say about the image.
type imageFiles struct {
	files  []gendir.File
	target target
}

// A block is instructions that belong together, below a comment.
type block struct {
	Comment string
	Lines   []string
}

// A writer writes the Dockerfile of one image.
type writer struct {
	family  string
	spec    *spec.Spec
	source  *family.Image
	opts    Options
	report  *spec.Report
	base    baseFacts
	context *buildContext
	stages  []block // before the image's own
	body    []block
	now     identity        // of the instructions so far
	changed identity        // what is not empty was changed for the length of commands
	args    map[string]bool // the variables of platforms that are declared
	newline bool            // newlineArg is needed
	keeps   bool            // there are empty directories
	empty   string          // a folder of the context with nothing in it, if one is needed
	made    map[string]bool // the directories that COPYs of this step made or found
}

func newWriter(f *family.Family, source *family.Image, opts Options) *writer {
	w := &writer{
		args:    map[string]bool{},
		family:  f.Name,
		spec:    f.Spec,
		source:  source,
		opts:    opts,
		report:  spec.NewReport(f.Spec.Filename),
		base:    baseFactsOf(source),
		context: newContext(source, opts.Archs),
	}
	w.now = identity{w.base.user, w.base.workdir}
	return w
}

// image writes the whole folder.
func (w *writer) image(ctx context.Context, f *family.Family) (imageFiles, error) {
	w.labels()
	w.env(w.source.Config.Env)
	for i, step := range w.source.Steps {
		if err := w.step(ctx, i, step); err != nil {
			return imageFiles{}, fmt.Errorf("writing the Dockerfile of %s: %s: %w", w.source.Name, step.Title(), err)
		}
		w.base.add(step)
	}
	w.config()
	if err := w.report.Err(); err != nil {
		return imageFiles{}, err
	}
	text, err := w.text()
	if err != nil {
		return imageFiles{}, err
	}
	files := append(w.context.files, gendir.File{Path: path.Join(w.source.Name, Name), Mode: 0o644, Data: text})
	if other := withoutLink(text); !bytes.Equal(text, other) {
		files = append(files, gendir.File{Path: path.Join(w.source.Name, containerfile), Mode: 0o644, Data: other})
	}
	if w.keeps {
		ignore := "# These keep empty directories, and are no part of the image.\n**/" + w.context.keep + "\n"
		files = append(files, gendir.File{Path: path.Join(w.source.Name, ".dockerignore"), Mode: 0o644, Data: []byte(ignore)})
	}
	return imageFiles{files: files, target: newTarget(f, w)}, nil
}

// containerfile is what podman and buildah read instead of the Dockerfile when it is there.
const containerfile = "Containerfile"

// linked is the beginning of a COPY with --link.
var linked = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(COPY(?: --from=\S+)?) --link `) })

// withoutLink returns a Dockerfile for builders that do not know --link: without it, the same files are copied.
func withoutLink(text []byte) []byte {
	var out []byte
	continued := false // an instruction goes on in this line, so none begins here: it may be one of a script
	for line := range bytes.Lines(text) {
		if !continued {
			line = linked().ReplaceAll(line, []byte("$1 "))
		}
		if !bytes.HasPrefix(line, []byte("#")) { // a comment ends with its line
			continued = bytes.HasSuffix(line, []byte("\\\n"))
		}
		out = append(out, line...)
	}
	if bytes.Equal(text, out) {
		return text
	}
	return bytes.Replace(out, []byte("\n\n"), []byte("\n\n# The "+Name+" without --link, which podman and buildah do not know in all their versions. They take this file.\n"), 1)
}

func (w *writer) text() ([]byte, error) {
	t, err := template.New(Name).Parse(templates.Dockerfile())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Image":       w.source.Name,
		"At":          w.at(w.source.At),
		"Stages":      w.stages,
		"FromComment": w.at(w.source.Declared.From.At) + ": from",
		"From":        w.from(),
		"OnBuild":     w.source.OnBuildPlatform,
		"NewlineArg":  newlineArg,
		"Newline":     w.newline,
		"Body":        w.body,
	})
	return b.Bytes(), err
}

// from returns what the image is based on, as the spec has it: without a tag, builders take the latest.
func (w *writer) from() string {
	if w.source.Parent != nil {
		return w.source.Parent.Reference
	}
	return strings.TrimSuffix(w.source.Base, ":latest")
}

// at says where something is declared.
func (w *writer) at(r spec.Range) string {
	file := w.opts.SpecFile
	if r.Start.File != "" {
		file = path.Join(path.Dir(file), w.spec.FileOf(r.Start).Path)
	}
	return fmt.Sprintf("%s:%d", oneLine(file), r.Start.Line)
}

// begin begins a block.
func (w *writer) begin(at spec.Range, format string, args ...any) {
	w.made = map[string]bool{}
	w.body = append(w.body, block{Comment: w.at(at) + ": " + oneLine(fmt.Sprintf(format, args...))})
}

// line adds a line to the block.
func (w *writer) line(text string) {
	last := &w.body[len(w.body)-1]
	last.Lines = append(last.Lines, text)
}

func (w *writer) step(ctx context.Context, i int, step family.Step) error {
	switch s := step.(type) {
	case family.Fetch:
		w.begin(step.At(), "%s", step.Title())
		w.fetch(i, s)
	case family.Files:
		w.begin(step.At(), "%s", step.Title())
		return w.files(ctx, s)
	case family.Directories:
		w.begin(step.At(), "%s", step.Title())
		w.directories(s)
	case family.Packages:
		w.packagesAs(step.At())
		w.begin(step.At(), "%s", step.Title())
		return w.packages(s)
	case family.Run:
		w.commandAs(s)
		w.begin(step.At(), "%s", step.Title())
		w.run(s)
	case family.Env:
		w.env(s.Vars)
	}
	return nil
}

// fetchMode is what ADD gives a file from a URL unless it is told otherwise.
const fetchMode fs.FileMode = 0o600

// isRepository reports whether ADD takes a URL for one of a repository to clone.
// https://github.com/moby/buildkit/blob/v0.34.2/frontend/dockerfile/dfgitutil/git_ref.go
func isRepository(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.HasSuffix(u.Path, ".git")
}

// fetch writes the ADD of a URL.
func (w *writer) fetch(i int, s family.Fetch) {
	address := s.URL.Request()
	switch {
	case s.URL.HasCredentials():
		w.report.Add(s.At(), "leave them out of the URL, and give both builders the secret HTTP_AUTH_HEADER_"+s.URL.Host()+" or HTTP_AUTH_TOKEN_"+s.URL.Host(),
			"a Dockerfile would show the credentials for %s", s.URL)
	case isRepository(address):
		w.report.Add(s.At(), "", "a Dockerfile takes %s for a repository to clone", s.URL)
	}
	add := []string{"ADD"}
	if s.SHA256 != "" {
		add = append(add, "--checksum=sha256:"+s.SHA256)
	}
	if s.Mode != fetchMode {
		add = append(add, "--chmod="+octal(s.Mode))
	}
	dir, name := path.Dir(s.Path), path.Base(s.Path)
	if w.base.has(dir) {
		w.line(strings.Join(append(add, pathList([]string{escaped(address), escaped(s.Path)})), " "))
		return
	}
	// An ADD makes the directories that are not there with the mode of its --chmod. A COPY of the file keeps its mode and makes them well.
	stage := fmt.Sprintf("fetch-%d", i+1)
	if !sourceName().MatchString(name) {
		name = "file"
	}
	w.stages = append(w.stages, block{
		Comment: w.at(s.At()) + ": " + oneLine(s.Title()) + ". In a stage of its own: where the directory has to be made, --chmod would be for it too.",
		Lines:   []string{"FROM scratch AS " + stage, strings.Join(append(add, pathList([]string{escaped(address), "/" + name})), " ")},
	})
	flags := []string{"--from=" + stage}
	if w.base.plain(dir) {
		flags = append(flags, "--link")
	}
	if name != path.Base(s.Path) {
		w.copyTo(flags, []string{"/" + name}, s.Path)
		return
	}
	w.copy(flags, []string{"/" + name}, dir)
}

// labels writes the labels, sorted by name.
func (w *writer) labels() {
	declared := slices.Concat(w.source.Declared.Labels, w.source.SharedLabels)
	if len(declared) == 0 {
		return
	}
	w.begin(declared[0].Name.At, "labels")
	var pairs []string
	for _, label := range declared {
		if strings.Contains(label.Name.Value, "=") {
			w.report.Add(label.Name.At, "", "a Dockerfile has no way to write the label %q, because of the equals sign in its name", label.Name.Value)
		}
	}
	for _, name := range sortedKeys(w.source.Config.Labels) {
		pairs = append(pairs, w.pair(word(name), w.source.Config.Labels[name]))
	}
	w.line("LABEL " + strings.Join(pairs, " \\\n      "))
}

// env writes variables.
func (w *writer) env(vars []family.EnvVar) {
	if len(vars) == 0 {
		return
	}
	w.begin(vars[0].At, "env")
	var pairs, names []string
	write := func() {
		w.line("ENV " + strings.Join(pairs, " \\\n    "))
		pairs, names = nil, nil
	}
	for _, v := range vars {
		// A value finds what instructions before its own have set.
		if slices.ContainsFunc(v.References(), func(name string) bool { return slices.Contains(names, name) }) {
			write()
		}
		quoted, newline := envValue(v)
		w.newline = w.newline || newline
		pairs, names = append(pairs, v.Name+"="+quoted), append(names, v.Name)
	}
	write()
}

func (w *writer) pair(name, text string) string {
	quoted, newline := value(text)
	w.newline = w.newline || newline
	return name + "=" + quoted
}

// config writes what is declared of the image and has no part in making it.
func (w *writer) config() {
	c, d := w.source.Config, w.source.Declared
	if len(c.Volumes) > 0 {
		w.begin(d.Volumes[0].At, "volumes")
		w.line("VOLUME " + escapedList(c.Volumes))
	}
	if len(c.Ports) > 0 {
		w.begin(d.Ports[0].At, "ports")
		w.line("EXPOSE " + strings.Join(c.Ports, " "))
	}
	if dir := w.atEnd(c.WorkDir, w.changed.dir, w.declared().dir); dir != "" {
		w.begin(orAt(d.Workdir, w.source.At), "workdir")
		w.line("WORKDIR " + word(dir))
	}
	if user := w.atEnd(c.User, w.changed.user, w.declared().user); user != "" {
		w.begin(orAt(d.User, w.source.At), "user")
		w.line("USER " + user)
	}
	if d.StopSignal.IsSet() {
		w.begin(d.StopSignal.At, "stopsignal")
		w.line("STOPSIGNAL " + c.StopSignal)
	}
	w.healthcheck()
	w.start()
}

// atEnd returns the value that the image has to be given: its own, or the one that commands replaced.
func (w *writer) atEnd(own, changed, declared string) string {
	if own == "" && changed == "" {
		return ""
	}
	return declared
}

// orAt returns where a text is, or where the image is that lacks it.
func orAt(t spec.Text, image spec.Range) spec.Range {
	if t.IsSet() {
		return t.At
	}
	return image
}

// start writes what a container runs. An image has only what it declares itself, so what it may inherit is taken away.
func (w *writer) start() {
	c, d := w.source.Config, w.source.Declared
	var lines []string
	if c.StopSignal != "" && !d.StopSignal.IsSet() {
		lines = append(lines, "STOPSIGNAL "+c.StopSignal)
	}
	if c.NoHealthcheck && (w.base.outside || w.base.healthcheck) {
		lines = append(lines, "HEALTHCHECK NONE")
	}
	if len(c.Entrypoint) > 0 || w.base.entrypoint {
		lines = append(lines, "ENTRYPOINT "+list(c.Entrypoint))
	}
	// An entrypoint takes the inherited command away.
	if len(c.Command) > 0 || w.base.command && len(c.Entrypoint) == 0 {
		lines = append(lines, "CMD "+list(c.Command))
	}
	if len(lines) == 0 {
		return
	}
	switch {
	case w.source.Start != nil:
		w.begin(d.Start.At, "start")
	case len(d.Entrypoint) > 0:
		w.begin(d.Entrypoint[0].At, "entrypoint")
	case len(d.Command) > 0:
		w.begin(d.Command[0].At, "command")
	default:
		w.begin(w.source.At, "nothing to start; what %s would start is not inherited", w.from())
	}
	for _, line := range lines {
		w.line(line)
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
