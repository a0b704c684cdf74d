package schema

func run() *Object {
	return &Object{
		Name:        "run",
		Description: "A command that changes the image. It runs with the environment of the image.",
		Keys: []Key{
			{Name: "script", Type: String{Form: NonEmptyText, Scope: Verbatim, Multiline: true}, Example: `"make install"`,
				Description: "A script for `/bin/sh -ceu`."},
			{Name: "command", Type: command(Verbatim), Default: "[]", Example: "[/usr/bin/ldconfig]",
				Description: "A command and its arguments, without a shell."},
			{Name: "workdir", Type: String{Form: Path, Scope: AtBuild}, Example: "/src",
				Description: "The directory that it runs in; it is made if it is not there. Left out, the `workdir` of the image, which it may inherit, or `/`."},
			{Name: "user", Type: String{Form: UserGroup, Scope: AtBuild}, Default: "root", Example: "builder",
				Description: "Who it runs as, by name or number."},
			{Name: "env", Type: Map{Names: VariableName, Values: String{Form: Text, Scope: InImage}, Key: "NAME"}, Default: "{}", Example: `{ CGO_ENABLED: "0" }`,
				Description: "Variables for this command alone. `${NAME}` is the value that the image has."},
			{Name: "secrets", Type: words(SecretID, AtBuild), Default: "[]", Example: "[token]",
				Description: "Ids of secrets that `--secret` gives; each is at `/run/secrets/ID` while the command runs, and in no layer."},
			{Name: "cache", Type: List{Items: OneOf{String{Form: Path, Scope: AtBuild}, cacheDir()}}, Default: "[]", Example: "[/root/.cache/go-build]",
				Description: "Directories whose content is kept from one build to the next, and is in no layer."},
			{Name: "mounts", Type: List{Items: mount()}, Default: "[]", Example: "[{ from: app, to: /src }]",
				Description: "What is at these paths while the command runs, and in no layer."},
			{Name: "network", Type: String{Form: NetworkMode}, Example: "none",
				Description: "`none`: the command reaches no network. Left out, that of the engine."},
			stepRefresh(),
		},
		Rules: []Rule{
			{Kind: ExactlyOne, Conditions: []Condition{{"script", NonEmpty}, {"command", NonEmpty}}, Description: "There is a `script` or a `command`."},
			{Kind: None, If: Condition{"network", Set}, Conditions: []Condition{{"refresh", Set}}, Description: "One without a network has no `refresh`."},
		},
	}
}

func cacheDir() *Object {
	return &Object{
		Name:        "cache",
		Description: "A directory whose content is kept from one build to the next. The images of a family share it by its path.",
		Keys: []Key{
			{Name: "path", Required: true, Type: String{Form: Path, Scope: AtBuild}, Example: "/go/pkg/mod", Description: "The directory in the image."},
			{Name: "name", Type: String{Form: DeclaredName, Scope: AtBuild}, Example: "go-modules",
				Description: "Families that give the same name share it, whatever the path. Left out, it belongs to this family, and to this path."},
			{Name: "lock", Type: Boolean{}, Default: "false", Example: "true",
				Description: "Only one command at a time uses it; the others wait. The directories of apt, apk, yum and dnf below `/var` are always locked."},
		},
	}
}

func mount() *Object {
	return &Object{
		Name:        "mount",
		Description: "What a command sees at a path while it runs: a file or directory of the spec's folder or of an image, which it cannot change, or an empty directory in memory.",
		Keys: []Key{
			{Name: "image", Type: String{Form: Base, Scope: AtBuild}, Example: "tools",
				Description: "The image to take from: one of this family, or the reference of one from outside. Left out, the spec's folder."},
			{Name: "from", Type: String{Form: CopySource, Scope: AtBuild}, Example: "app",
				Description: "The file or directory: in the spec's folder, or the absolute path in the `image`."},
			{Name: "to", Type: String{Form: Path, Scope: AtBuild}, Example: "/src", Description: "Where the command sees it."},
			{Name: "tmpfs", Type: String{Form: Path, Scope: AtBuild}, Example: "/scratch", Description: "Where the command sees an empty directory in memory."},
		},
		Rules: []Rule{
			{Kind: ExactlyOne, Conditions: []Condition{{"from", Set}, {"tmpfs", Set}}, Description: "There is `from` or `tmpfs`."},
			{Kind: ExactlyOne, Conditions: []Condition{{"to", Set}, {"tmpfs", Set}}, Description: "`to` goes with `from`."},
			{Kind: None, If: Condition{"tmpfs", Set}, Conditions: []Condition{{"image", Set}}, Description: "`image` goes with `from`."},
		},
	}
}
