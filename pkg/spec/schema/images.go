package schema

// words is a list of strings.
func words(form Form, scope Scope) List { return List{Items: String{Form: form, Scope: scope}} }

// command is a program and its arguments.
func command(scope Scope) List {
	return List{Items: String{Form: Text, Scope: scope}, Command: true}
}

// nonEmptyWords is a list of at least one string.
func nonEmptyWords(form Form, scope Scope) List {
	return List{Items: String{Form: form, Scope: scope}, NonEmpty: true}
}

func image() *Object {
	return &Object{
		Name:        "image",
		Description: "One image of the family.",
		Keys: []Key{
			{Name: "from", Required: true, Type: String{Form: Base, Scope: AtBuild}, Example: "docker.io/library/debian:12",
				Description: "What the image is based on: the name of an image of this family, the reference of one from outside, or `scratch` for nothing. A single word that is no image of the family is an error."},
			{Name: "matrix", Type: Map{Names: VariableName, Values: nonEmptyWords(Text, AtBuild), NonEmpty: true, Key: "NAME"},
				Example:     `{ python: ["3.11", "3.12"] }`,
				Description: "Makes one image for each combination of the values; `${{ NAME }}` stands for the value in the image."},
			{Name: "name", Type: String{Form: ImageName, Scope: AtBuild}, Example: `"app-${{ python }}"`,
				Description: "The name of each image of the `matrix`. An image without one is called by its key."},
			{Name: "publish", Type: Boolean{}, Default: "true", Example: "false",
				Description: "`false` is for an image that only others of the family need: it has no tag, and is neither pushed nor exported. It is built when an image that is built is based on it or takes from it, when it is named, and when no other image uses it, as one that runs tests."},
			{Name: "repository", Type: String{Form: Repository, Scope: AtBuild}, Example: "hello",
				Description: "The name of the image in a registry: it is published as `REGISTRY/REPOSITORY:TAG`. Left out, it is the image's name. Images that share one have different `tags`."},
			{Name: "tags", Type: nonEmptyWords(Tag, AtBuild), Example: `["1.0-python311"]`,
				Description: "Tags of the image in place of those of the family. `--tag` replaces them too."},
			{Name: "platform", Type: String{Form: BuildPlatform}, Example: "build",
				Description: "`build`: the image runs on the platform of the engine, whatever platform it is built for. Its commands make something for that platform, which `${{ target.arch }}` names, and other images take it from there. Such an image is not published."},
			{Name: "labels", Type: Map{Names: LabelName, Values: String{Form: Text, Scope: AtBuild}, Key: "NAME"}, Default: "{}",
				Example:     `{ org.opencontainers.image.title: hello }`,
				Description: "Labels of the image's configuration, besides those that it inherits."},
			{Name: "env", Type: Map{Names: VariableName, Values: String{Form: Text, Scope: InImage}, Key: "NAME"}, Default: "{}",
				Example:     `{ LANG: C.UTF-8, PATH: "/opt/app/bin:${PATH}" }`,
				Description: "Environment variables of the image's configuration, besides those that it inherits. `${NAME}` is the value that the image has so far, by what it is based on or by a key above. Commands of its steps see the variables too."},
			{Name: "user", Type: String{Form: UserGroup, Scope: AtBuild}, Example: "app:app",
				Description: "Who a container runs as. Inherited if left out. Steps run as root all the same, but for a `run` step with a `user` of its own."},
			{Name: "workdir", Type: String{Form: Path, Scope: AtBuild}, Example: "/srv/app",
				Description: "The directory that a container starts in, and that `run` steps run in, the ones before it included. Inherited if left out."},
			{Name: "volumes", Type: words(Path, AtBuild), Default: "[]", Example: "[/var/lib/app]",
				Description: "Directories whose content outlives a container, besides those that are inherited."},
			{Name: "ports", Type: words(Port, AtBuild), Default: "[]", Example: `["80", 53/udp]`,
				Description: "Ports that a container listens on, besides those that are inherited. A number needs quotes."},
			{Name: "secrets", Type: Map{Names: SecretID, Values: String{Form: SecretPath, Scope: AtBuild}, Key: "ID"}, Default: "{}",
				Example:     `{ tls.key: /etc/pki/tls/private/app.key }`,
				Description: "Files that containers get from outside, besides those that are inherited: where each is in a container, by what it is called in a Secret of Kubernetes. Nothing of them is in the image. With a `start`, nothing starts without them."},
			{Name: "stopsignal", Type: String{Form: Signal, Scope: AtBuild}, Example: "SIGQUIT",
				Description: "The signal that ends a container. A number needs quotes. Inherited if left out. With a `start`, it is one of " + list(StartSignals()) + ", inherited only from images of the family, and `SIGTERM` if none of them has one."},
			{Name: "healthcheck", Type: OneOf{String{Form: NoHealthcheck, Scope: AtBuild}, healthcheck()}, Example: "{ command: [/usr/bin/app, check], interval: 1m }",
				Description: "How docker finds out whether a container works, or `none`. Inherited if left out, but not with a `start`."},
			{Name: "entrypoint", Type: command(AtBuild), Default: "[]", Example: "[/usr/bin/app]",
				Description: "The program that a container runs, and its first arguments. Not inherited."},
			{Name: "command", Type: words(Text, AtBuild), Default: "[]", Example: "[python3, -m, http.server]",
				Description: "The program that a container runs or, if there is an `entrypoint`, further arguments of that. Not inherited."},
			{Name: "steps", Type: List{Items: step()}, Default: "[]", Example: "[{ apt: { packages: [python3] } }]",
				Description: "What is done to the base, in this order; each step makes a layer."},
			{Name: "start", Type: start(), Example: "{ command: [/usr/bin/app, serve] }",
				Description: "Makes a role of the image: what its containers do when they start. Without a `command`, it is what the images that are based on this one inherit if they have a `start` themselves."},
			{Name: "kubernetes", Type: workload(), Default: "{}", Example: "{ replicas: 2 }", Description: "How containers of the image run."},
		},
		Rules: imageRules(),
	}
}

func imageRules() []Rule {
	return []Rule{
		{Kind: AtLeastOne, If: Condition{"matrix", Set}, Conditions: []Condition{{"name", Set}}, Description: "A `matrix` needs a `name`."},
		{Kind: AtLeastOne, If: Condition{"name", Set}, Conditions: []Condition{{"matrix", Set}}, Description: "A `name` needs a `matrix`."},
		{Kind: None, If: Condition{"start", Set}, Conditions: []Condition{{"entrypoint", NonEmpty}, {"command", NonEmpty}},
			Description: "`start` excludes `entrypoint` and `command`."},
		{Kind: None, If: Condition{"publish", False}, Conditions: []Condition{{"repository", Set}, {"tags", Set}},
			Description: "One that is not published has no `repository` and no `tags`."},
	}
}

func start() *Object {
	return &Object{
		Name:        "start",
		Description: "What a container does when it starts, in the order of the keys here. The image, or one that it is based on, needs a `helpers` step. A key that is left out is inherited from the nearest image of the family below that has it in a `start` without a `command`; `[]` inherits nothing.",
		Keys: []Key{
			{Name: "require", Type: require(), Default: "{}", Example: "{ sockets: [/dev/log] }",
				Description: "What has to be there."},
			{Name: "configure", Type: words(Text, AtBuild), Default: "[]", Example: "[app]",
				Description: "Names under `settings`: the files to write. Needs `helpers: [config]`, and augtool and the lens in the image."},
			{Name: "wait", Type: words(Text, AtBuild), Default: "[]", Example: "[database]",
				Description: "Names under `services`: what to wait for, all at once. Needs `helpers: [wait]`."},
			{Name: "init", Type: List{Items: command(AtStart)}, Default: "[]", Example: "[[/usr/bin/app, migrate]]",
				Description: "Commands that run before the one that stays, one after the other. When one fails, so does the start."},
			{Name: "user", Type: String{Form: UserName, Scope: AtBuild}, Example: "app",
				Description: "Who `init` and `command` run as. Left out, as who the container runs."},
			{Name: "workdir", Type: String{Form: Path, Scope: AtBuild}, Example: "/srv/app",
				Description: "The directory that `init` and `command` run in. Left out, the one that the container starts in."},
			{Name: "umask", Type: Mode{Umask}, Example: `"027"`,
				Description: "The umask of `init` and `command`. Left out, that of the container."},
			{Name: "command", Type: List{Items: String{Form: Text, Scope: AtStart}, NonEmpty: true, Command: true}, Example: `[/usr/bin/app, "--database=${DB_HOST}"]`,
				Description: "What the container becomes. Not inherited: without it, the image is not run, and a family in which no image completes the start is an error. Arguments after the image's name are appended to it."},
		},
	}
}

func require() *Object {
	return &Object{
		Name:        "require",
		Description: "What a container does not start without.",
		Keys: []Key{
			{Name: "sockets", Type: words(Path, AtBuild), Default: "[]", Example: "[/dev/log]", Description: "Sockets, mounted from the host."},
			{Name: "files", Type: words(Path, AtBuild), Default: "[]", Example: "[/etc/app/key]", Description: "Files and directories."},
			{Name: "variables", Type: words(Text, AtBuild), Default: "[]", Example: "[DB_PASSWORD]",
				Description: "Names under `environment`: variables that have to have a value."},
		},
	}
}
