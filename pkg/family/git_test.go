package family_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// A fakeGit says what it is given, and notes what it is asked.
type fakeGit struct {
	facts map[string]string
	err   error // for other facts
	asked []string
}

func (g *fakeGit) fact(name string) (string, error) {
	g.asked = append(g.asked, name)
	if value, ok := g.facts[name]; ok {
		return value, nil
	}
	return "", g.err
}

var errNoFact = fmt.Errorf("no such fact: %w", fs.ErrNotExist)

func TestResolve_git(t *testing.T) {
	for _, test := range []struct {
		name, variables, label string
		facts                  map[string]string
		set                    map[string]string
		want                   string
		source                 family.Source
		asked                  []string
	}{
		{"git", "", "${{ git.tag }}", map[string]string{"tag": "v1"}, nil, "v1", family.FromGit, []string{"tag"}},
		{"the caller", "", "${{ git.tag }}", map[string]string{"tag": "v1"}, map[string]string{"git.tag": "v2"}, "v2", family.FromCaller, nil},
		{"git before a default", "git.tag: {default: dev}", "${{ git.tag }}", map[string]string{"tag": "v1"}, nil, "v1", family.FromGit, []string{"tag"}},
		{"a default", "git.tag: {default: dev}", "${{ git.tag }}", nil, nil, "dev", family.FromDefault, []string{"tag"}},
		{"a default of another fact", "git.tag: {default: 'r${{ git.revision }}'}", "${{ git.tag }}", map[string]string{"revision": "c0ffee"}, nil, "rc0ffee", family.FromDefault, []string{"tag", "revision"}},
		{"the default of a variable", "git.tag: , v: {default: 'x-${{ git.tag }}'}, w: {default: '${{ v }}'}", "${{ w }}", map[string]string{"tag": "v1"}, nil, "x-v1", family.FromGit, []string{"tag"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			git := &fakeGit{facts: test.facts, err: errNoFact}
			f := mustResolve(t, head+"variables: {"+test.variables+"}\nimages: {a: {from: scratch, labels: {l: '"+test.label+"', m: '"+test.label+"'}}}\n",
				family.Options{Git: git.fact, Variables: test.set})
			if got := f.Images[0].Config.Labels; got["l"] != test.want || got["m"] != test.want {
				t.Errorf("the labels are %q, want %q", got, test.want)
			}
			at := slices.IndexFunc(f.Variables, func(v family.Variable) bool { return v.Name == "git.tag" })
			if at < 0 || f.Variables[at].Source != test.source {
				t.Errorf("the variables are %v, want git.tag from source %d", f.Variables, test.source)
			}
			if diff := cmp.Diff(test.asked, git.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// Files of values and the environment give these variables values like others, declared or not.
func TestResolve_gitGiven(t *testing.T) {
	file := &spec.Values{Filename: "v.yaml", Variables: []spec.Named[spec.Text]{{Name: spec.Text{Value: "git.tag"}, Value: spec.Text{Value: "file"}}}}
	for _, test := range []struct {
		opts family.Options
		want family.Source
	}{
		{family.Options{Values: []*spec.Values{file}}, family.FromFile},
		{family.Options{Values: []*spec.Values{file}, Environ: []string{family.EnvironPrefix + "git.tag=environ"}}, family.FromEnviron},
	} {
		for _, declared := range []string{"", "variables: {git.tag: {default: dev}}\n"} {
			git := &fakeGit{}
			test.opts.Git = git.fact
			f := mustResolve(t, head+declared+"labels: {l: '${{ git.tag }}'}\n"+images, test.opts)
			if len(f.Variables) != 1 || f.Variables[0].Source != test.want || f.Labels["l"] != f.Variables[0].Value || git.asked != nil {
				t.Errorf("with %q, the variables are %v and the labels %v; git was asked for %v", declared, f.Variables, f.Labels, git.asked)
			}
		}
	}
}

// Git is asked for what is needed alone.
func TestResolve_gitOnDemand(t *testing.T) {
	text := head + "variables: {unused: {default: '${{ git.dirty }}'}, git.branch: {default: b}}\nimages:\n  a: {from: scratch}\n  b: {from: scratch, labels: {l: '${{ git.revision }}'}}\n"
	for images, want := range map[string][]string{"a": nil, "b": {"revision"}} {
		git := &fakeGit{err: errors.New("broken")}
		_, err := resolve(t, text, family.Options{Git: git.fact, Images: []string{images}})
		if diff := cmp.Diff(want, git.asked); diff != "" || (err == nil) != (want == nil) {
			t.Errorf("for %s, git was asked (-want +got), error %v:\n%s", images, err, diff)
		}
	}
	git := &fakeGit{err: errors.New("broken")}
	if _, err := resolve(t, strings.Replace(text, `tag: "1"`, `tag: "${{ git.tag }}"`, 1), family.Options{Git: git.fact, Images: []string{"a"}, Tags: []string{"1"}}); err != nil || git.asked != nil {
		t.Errorf("for a tag that is overridden, git was asked for %v (%v)", git.asked, err)
	}
}

func TestResolve_gitErrors(t *testing.T) {
	for _, test := range []struct {
		name, text string
		set        map[string]string
		err        error
		want       string
	}{
		{"no such fact, once", "labels: {a: 'x ${{ git.tag }}', b: '${{ git.tag }}'}\n" + images, nil, errNoFact,
			"f.yaml:5:16: the variable git.tag has no value: no such fact: file does not exist"},
		{"no such fact for a variable", "variables: {git.tag: , v: {default: '${{ git.tag }}'}}\nlabels: {a: '${{ v }}', b: '${{ git.tag }}'}\n" + images, nil, errNoFact,
			"f.yaml:5:38: the variable git.tag has no value: no such fact: file does not exist"},
		{"a failure in spite of a default", "variables: {git.tag: {default: dev}}\nlabels: {a: '${{ git.tag }}'}\n" + images, nil, errors.New("broken"),
			"f.yaml:6:14: the variable git.tag has no value: broken"},
		{"an unknown fact", "labels: {a: '${{ git.tga }}'}\n" + images, nil, nil, `f.yaml:5:14: git.tga is not known of a git repository (did you mean "git.tag"?)`},
		{"a variable with another name of git", "variables: {git.revison: {default: a}}\n" + images, nil, nil,
			`f.yaml:5:13: "git.revison" is no name for a variable (did you mean "git.revision"?)`},
		{"a variable with a dot", "variables: {app.version.number: {default: a}}\n" + images, nil, nil,
			`f.yaml:5:13: "app.version.number" is no name for a variable (use letters, digits and _, and begin with no digit)`},
		{"the caller's name", images, map[string]string{"git.tga": "x"}, nil,
			`f.yaml:1:1: override of the variable git.tga: the spec declares no variable of that name (did you mean "git.tag"?)`},
		{"defaults that need each other", "variables: {git.tag: {default: '${{ v }}'}, v: {default: '${{ git.tag }}'}}\n" + images, nil, nil,
			"f.yaml:5:13: the defaults of these variables need each other: git.tag -> v -> git.tag"},
		{"an environment variable with a dot", "environment: {git.tag: {}}\n" + images, nil, nil,
			`f.yaml:5:15: "git.tag" is no name for a variable (use letters, digits and _, and begin with no digit)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			git := &fakeGit{err: test.err}
			_, err := resolve(t, head+test.text, family.Options{Git: git.fact, Variables: test.set})
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// A tag may have anything in it that git allows, and is no part of the language.
func TestResolve_gitValueIsText(t *testing.T) {
	git := &fakeGit{facts: map[string]string{"tag": "${{x}}-$${A}"}}
	f := mustResolve(t, head+"environment: {A: {default: '${{ git.tag }}'}}\nimages: {a: {from: scratch, labels: {l: '${{ git.tag }}'}}}\n", family.Options{Git: git.fact})
	if got := f.Images[0].Config.Labels["l"]; got != "${{x}}-$${A}" {
		t.Errorf("the label is %q", got)
	}
}

// Credentials of a URL are found behind what git says, too.
func TestRedact_behindGit(t *testing.T) {
	git := &fakeGit{facts: map[string]string{"tag": "v1"}}
	text := head + "variables: {url: {default: 'https://me:correct-horse@h/${{ git.tag }}'}}\nimages: {a: {from: scratch, steps: [repo: {url: '${{ url }}', to: /r}]}}\n"
	f := mustResolve(t, text, family.Options{Git: git.fact})
	if got := f.Redact("correct-horse"); strings.Contains(got, "horse") {
		t.Errorf("the password is not hidden: %s", got)
	}
	for _, v := range f.Variables {
		if v.Name == "url" && !v.Secret {
			t.Error("the variable with the password counts as no secret")
		}
	}
}

func TestFor_asksGitForTheSame(t *testing.T) {
	git := &fakeGit{facts: map[string]string{"tag": "v1"}}
	f := mustResolve(t, head+"images: {a: {from: scratch, labels: {l: '${{ git.tag }} ${{ target.arch }}'}}}\n", family.Options{Git: git.fact, Target: family.Target{Arch: "amd64"}})
	other, err := f.For(family.Target{Arch: "arm64"})
	if err != nil || other.Images[0].Config.Labels["l"] != "v1 arm64" {
		t.Errorf("for another target, the labels are %v (%v)", other.Images[0].Config.Labels, err)
	}
}

func TestGitVariables_areFacts(t *testing.T) {
	dir := t.TempDir()
	for _, name := range schema.GitVariables() {
		_, err := resolve(t, head+"labels: {a: '${{ "+name+" }}'}\n"+images, family.Options{Dir: dir})
		var git *family.GitError
		if !errors.As(err, &git) || git.Variable != name || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("outside of a repository, %s: %v", name, err)
		}
	}
}
