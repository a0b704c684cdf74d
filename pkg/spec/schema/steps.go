package schema

func step() *Object {
	o := &Object{
		Name:        "step",
		Description: "One thing that is done to an image: a mapping with one key.",
		Keys: []Key{
			{Name: "repo", Type: repo(), Example: `{ url: "https://example.com/app.repo", to: /etc/yum.repos.d/app.repo }`,
				Description: "Brings a file that names a repository of packages: fetched, or written out."},
			{Name: "yum", Type: yum(), Example: "{ groups: [web-server], packages: [augeas] }",
				Description: "Installs packages with yum, or with the program that `tool` names."},
			{Name: "dnf", Type: dnf(), Example: "{ packages: [python3] }",
				Description: "Installs packages with dnf."},
			{Name: "apt", Type: apt(), Example: "{ packages: [python3] }",
				Description: "Installs packages with apt-get, and none that they only recommend."},
			{Name: "apk", Type: apk(), Example: "{ packages: [python3] }",
				Description: "Installs packages with apk."},
			{Name: "lens", Type: String{Form: Lens, Scope: AtBuild}, Example: "app.aug",
				Description: "Brings an Augeas lens: a file beside the spec, or a built-in one."},
			{Name: "helpers", Type: nonEmptyWords(HelperName, AtBuild), Example: "[config, wait]",
				Description: "Brings `pulp-helper` and what it has to know of the spec: " + list(Helpers()) + "; `exec` is always included."},
			{Name: "files", Type: OneOf{file(), List{Items: file(), NonEmpty: true}}, Example: "{ from: app, to: /srv/app }",
				Description: "Copies a file or a directory of the spec's folder or of an image, or several."},
			{Name: "directory", Type: OneOf{directory(), List{Items: directory(), NonEmpty: true}}, Example: `{ path: /var/lib/app, owner: "65532:65532" }`,
				Description: "Makes a directory, or gives one an owner and a mode; or several."},
			{Name: "run", Type: OneOf{String{Form: NonEmptyText, Scope: Verbatim, Multiline: true}, run()}, Example: "useradd app",
				Description: "Runs a script with `/bin/sh -ceu`, or a command without a shell."},
			{Name: "env", Type: Map{Names: VariableName, Values: String{Form: Text, Scope: InImage}, NonEmpty: true, Key: "NAME"}, Example: `{ PATH: "/opt/app/bin:${PATH}" }`,
				Description: "Sets variables of the image's configuration from here on: the steps before do not see them, and do not run again when a value changes. Makes no layer."},
		},
	}
	rule := Rule{Kind: ExactlyOne, Description: "A step has one of these keys."}
	for _, k := range o.Keys {
		rule.Conditions = append(rule.Conditions, Condition{k.Name, Set})
	}
	o.Rules = []Rule{rule}
	return o
}

func repo() *Object {
	return &Object{
		Name:        "repo",
		Description: "A file that names a repository of packages: one to fetch from `url`, or one to write with the other keys.",
		Keys: []Key{
			{Name: "to", Required: true, Type: String{Form: Path, Scope: AtBuild}, Example: "/etc/yum.repos.d/app.repo",
				Description: "The file in the image."},
			{Name: "url", Type: String{Form: FetchURL, Scope: AtBuild}, Example: `"https://example.com/app.repo"`,
				Description: "Where to fetch the file from."},
			{Name: "sha256", Type: String{Form: SHA256, Scope: AtBuild},
				Example:     `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`,
				Description: "The digest of what `url` gives. Something else is refused."},
			{Name: "id", Type: String{Form: RepoID, Scope: AtBuild}, Example: "app",
				Description: "The repository's id."},
			{Name: "name", Type: String{Form: NonEmptyLine, Scope: Verbatim}, Example: "The packages of app",
				Description: "The repository's name for people. Left out, its id."},
			{Name: "baseurl", Type: String{Form: NonEmptyLine, Scope: Verbatim}, Example: `"https://example.com/$releasever/"`,
				Description: "Where the repository is."},
			{Name: "gpgkey", Type: String{Form: NonEmptyLine, Scope: Verbatim}, Example: `"https://example.com/key"`,
				Description: "Where the key is that packages are signed with."},
			{Name: "gpgcheck", Type: Boolean{}, Example: "true",
				Description: "Whether packages have to be signed. Left out, whether there is a `gpgkey`."},
			{Name: "enabled", Type: Boolean{}, Default: "true", Example: "false",
				Description: "Whether the package manager uses the repository without being asked to."},
		},
		Rules: []Rule{
			{Kind: ExactlyOne, Conditions: []Condition{{"url", Set}, {"baseurl", Set}}, Description: "There is `url`, to fetch a file, or `baseurl`, to write one."},
			{Kind: None, If: Condition{"url", Set}, Conditions: []Condition{{"id", Set}, {"name", Set}, {"gpgkey", Set}, {"gpgcheck", Set}, {"enabled", Set}},
				Description: "`id`, `name`, `gpgkey`, `gpgcheck` and `enabled` go with `baseurl`."},
			{Kind: None, If: Condition{"baseurl", Set}, Conditions: []Condition{{"sha256", Set}}, Description: "`sha256` goes with `url`."},
			{Kind: AtLeastOne, If: Condition{"baseurl", Set}, Conditions: []Condition{{"id", Set}}, Description: "`baseurl` needs `id`."},
		},
	}
}
