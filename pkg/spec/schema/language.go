package schema

import (
	"fmt"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// extends is the key of the spec that another one is written on top of.
const extends = "extends"

// Spec describes a whole spec.
func Spec() *Object {
	return &Object{
		Name:        "spec",
		Description: "A family of container images.",
		Keys: []Key{
			{Name: "version", Required: true, Type: Version{}, Example: "1",
				Description: "The version of the language. A newer one than pulpimg knows is refused."},
			{Name: extends, Type: String{Form: SpecFile}, Example: "common/base.yaml",
				Description: "A spec that this one is written on top of: a path from the folder of this file, in the folder of the spec or below. Mappings are merged by key, everything else on top replaces what is below, and `null` takes it away. What is required may be in either."},
			{Name: "name", Required: true, Type: String{Form: FamilyName, Scope: AtBuild}, Example: "hello",
				Description: "The family's name."},
			{Name: "registry", Type: String{Form: Registry, Scope: AtBuild}, Example: "registry.example.com/hello",
				Description: "Where images are published: each as `REGISTRY/IMAGE:TAG`. `--registry` replaces it."},
			{Name: "registries", Type: nonEmptyWords(Registry, AtBuild), Example: "[docker.io/hello, quay.io/hello]",
				Description: "Several in place of `registry`: every image is published in each of them. `--registry` replaces all of them."},
			{Name: "tag", Type: String{Form: Tag, Scope: AtBuild}, Example: `"1.0"`,
				Description: "The tag of every image. `--tag` replaces it. A number needs quotes."},
			{Name: "tags", Type: nonEmptyWords(Tag, AtBuild), Example: `["1.0.3", "1.0", latest]`,
				Description: "Several in place of `tag`: every image gets each of them. `--tag` replaces all of them."},
			{Name: "immutable", Type: words(TagPattern, AtBuild), Default: "[]", Example: `["[0-9]*.[0-9]*.[0-9]*"]`,
				Description: "Patterns of tags that are never moved: one that exists keeps its image, and a publication that would move it does nothing. A pattern is for the whole tag: `*` is any number of characters, `?` one of them, `[a-z]` one of a class."},
			refresh("never", "How old what a command got from the network may be: `12h`, `7d`, `2w`, or `never`, no bound. A build runs a command again that is older, or whose age is not known: package steps, and run steps without `network: none`. A step can have a `refresh` of its own."),
			{Name: "records", Type: String{Form: Records, Scope: AtBuild}, Example: "registry.example.com/hello/records",
				Description: "Where records of what builds made are kept in a registry, for machines with an empty cache. Left out, they are in the repository of each image. A repository has those of the whole family; `--registry` does not replace it. With `none`, they are neither read from a registry nor written to one."},
			{Name: "labels", Type: Map{Names: LabelName, Values: String{Form: Text, Scope: AtBuild}, Key: "NAME"}, Default: "{}",
				Example:     `{ org.opencontainers.image.vendor: Example }`,
				Description: "Labels of every image that is published. One that an image declares itself goes first. A change of them changes no layer and runs no command again."},
			{Name: "variables", Type: Map{Names: SpecVariable, Values: variable(), Key: "NAME"}, Default: "{}",
				Example:     `{ base: { default: "docker.io/library/debian:12" } }`,
				Description: "What is known when the spec is read; `${{ name }}` stands for it in every string. Every spec has " + list(GitVariables()) + "."},
			{Name: "environment", Type: Map{Names: VariableName, Values: envVariable(), Key: "NAME"}, Default: "{}",
				Example:     `{ DB_HOST: { default: 127.0.0.1 } }`,
				Description: "What is known when a container starts; `${NAME}` stands for it in the strings that are for that moment."},
			{Name: "settings", Type: Map{Names: DeclaredName, Values: settings(), Key: "NAME"}, Default: "{}",
				Example:     `{ app: { file: /etc/app.conf, lens: app.aug, set: { server/port: "8000" } } }`,
				Description: "Files that a container writes when it starts, if its `start.configure` names them."},
			{Name: "services", Type: Map{Names: DeclaredName, Values: service(), Key: "NAME"}, Default: "{}",
				Example:     `{ database: { url: "postgres://db:5432" } }`,
				Description: "What a container waits for when it starts, if its `start.wait` names it."},
			{Name: "kubernetes", Type: kubernetes(), Default: "{}", Example: "{ storage: { size: 100Gi, volumes: [/var/lib/app] } }",
				Description: "What the family needs around its images when it runs."},
			{Name: "images", Required: true, Type: Map{Names: ImageName, Reserved: []string{"scratch"}, Values: image(), NonEmpty: true, Key: "IMAGE"},
				Example:     `{ hello: { from: docker.io/library/debian:12 } }`,
				Description: "The images, by name. `scratch` is the name of none."},
		},
		Rules: []Rule{
			{Kind: ExactlyOne, Conditions: []Condition{{"registry", Set}, {"registries", Set}}, Description: "There is `registry` or `registries`."},
			{Kind: ExactlyOne, Conditions: []Condition{{"tag", Set}, {"tags", Set}}, Description: "There is `tag` or `tags`."},
		},
	}
}

func variable() *Object {
	return &Object{
		Name:        "variable",
		Description: "A value that is known when the spec is read.",
		Nullable:    true,
		Keys: []Key{
			{Name: "default", Type: String{Form: Text, Scope: AtBuild}, Example: `"docker.io/library/debian:12"`,
				Description: "The value when nothing else gives one: `--set NAME=VALUE`, the environment, `pulpimg.vars.yaml`. It may use other variables. Without it, an image that uses the variable cannot be built until something does."},
			description("What everything is based on."),
		},
	}
}

func envVariable() *Object {
	return &Object{
		Name:        "environment variable",
		Description: "A value that is known when a container starts.",
		Nullable:    true,
		Keys: []Key{
			{Name: "default", Type: String{Form: Text, Scope: AtStart}, Example: `"${SERVICE_HOST}"`,
				Description: "The value when the container's environment has none, or an empty one. It may use other variables of the environment."},
			{Name: "required", Type: Boolean{}, Default: "false", Example: "true",
				Description: "No container of the family starts without a value."},
			{Name: "secret", Type: Boolean{}, Default: "false", Example: "true",
				Description: "The value is kept out of messages and traces; so is a default that uses it. It cannot be in a command, where everybody could see it. A default of its own is in the image, so it names other variables."},
			description("The host that all services are on."),
		},
		Rules: []Rule{
			{Kind: None, If: Condition{"required", True}, Conditions: []Condition{{"default", Set}}, Description: "One that is `required` has no `default`."},
		},
	}
}

func description(example string) Key {
	return Key{Name: "description", Type: String{Form: Text, Multiline: true}, Example: fmt.Sprintf("%q", example), Description: "Says to people what it is for."}
}

func settings() *Object {
	return &Object{
		Name:        "settings",
		Description: "Values that are written into a file when a container starts, all of them or none.",
		Keys: []Key{
			{Name: "file", Required: true, Type: String{Form: Path, Scope: AtBuild}, Example: "/etc/app/server.conf",
				Description: "The file in the image, which has to be there."},
			{Name: "lens", Required: true, Type: String{Form: Lens, Scope: AtBuild}, Example: "app.aug",
				Description: "The Augeas lens that knows the file's format."},
			{Name: "set", Type: Map{Names: SettingPath, Values: String{Form: Text, Scope: AtStart}, Key: "SECTION/KEY"}, Default: "{}",
				Example:     `{ database/seeds: "${DB_HOST}:27017" }`,
				Description: "The values, by section and key."},
		},
	}
}

func service() *Object {
	return &Object{
		Name:        "service",
		Description: "Something that a container waits for when it starts.",
		Keys: []Key{
			{Name: "url", Type: String{Form: ServiceURL, Scope: AtStart}, Example: `"mongodb://${DB_HOST}:27017"`,
				Description: "Where the service is, and the protocol that it speaks: " + list(serviceurl.Names()) + "."},
			{Name: "command", Type: command(AtStart), Default: "[]", Example: "[/usr/bin/app, migrated]",
				Description: "A program and its arguments, which ends with 0 if what is waited for is there. It runs as the `command` of the start does."},
			{Name: "job", Type: String{Form: ImageName, Scope: AtBuild}, Example: "app-migrate",
				Description: "The image, of the kind `job`, that makes the `command` succeed. With Compose, images that wait for the service start when it has ended."},
			{Name: "tries", Type: Count{}, Default: fmt.Sprint(contract.DefaultTries), Example: "30",
				Description: "How often to ask, or to run the `command`, before giving up."},
			{Name: "interval", Type: Duration{}, Default: contract.DefaultInterval.String(), Example: "500ms",
				Description: "How long to pause between two tries."},
			{Name: "timeout", Type: Duration{}, Example: "10s",
				Description: "How long one try takes at most. Left out, " + contract.DefaultTimeout.String() + ", and " + contract.DefaultCommandTimeout.String() + " for a `command`."},
		},
		Rules: []Rule{
			{Kind: ExactlyOne, Conditions: []Condition{{"url", Set}, {"command", NonEmpty}}, Description: "There is a `url` or a `command`."},
			{Kind: AtLeastOne, If: Condition{"job", Set}, Conditions: []Condition{{"command", NonEmpty}}, Description: "A `job` needs a `command`."},
		},
	}
}
