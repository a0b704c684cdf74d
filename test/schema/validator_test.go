package schema

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/pulpimg/pulpimg/assets"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// folder is the directory of all specs here.
const folder = "testdata/folder"

// load returns the errors of pulpimg about a spec, if there are any.
func load(data []byte) spec.Errors {
	read, err := spec.ParseFS("spec.yaml", data, os.DirFS(folder))
	if read != nil {
		_, resolveErr := family.Resolve(read, family.Options{Dir: folder, Assets: assets.FS()})
		if err == nil {
			err = resolveErr
		} else {
			err = spec.Join(err, resolveErr)
		}
	}
	var errs spec.Errors
	if err != nil && !errors.As(err, &errs) {
		panic(err)
	}
	return errs
}

// A validator is the schema, compiled.
type validator struct{ schema *jsonschema.Schema }

func newValidator(t testing.TB) validator {
	t.Helper()
	data, err := schema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("pulpimg.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("pulpimg.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return validator{compiled}
}

// validate returns what the schema says of a spec, as an editor sees it.
func (v validator) validate(data []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return err
	}
	return v.validateNode(&document)
}

func (v validator) validateNode(document *yaml.Node) error {
	if len(document.Content) == 0 {
		return v.schema.Validate(nil)
	}
	value, err := jsonValue(document.Content[0])
	if err != nil {
		return err
	}
	return v.schema.Validate(value)
}

// jsonValue returns the value of JSON that an editor takes a node for. Editors read YAML 1.2, in which a date is a string.
// https://yaml.org/spec/1.2.2/#103-core-schema
func jsonValue(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return jsonValue(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			value, err := jsonValue(item)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			value, err := jsonValue(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			if merged, ok := value.(map[string]any); ok && n.Content[i].Tag == "!!merge" {
				maps.Copy(object, merged)
				continue
			}
			object[n.Content[i].Value] = value
		}
		return object, nil
	}
	return scalar(n)
}

func scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strconv.ParseBool(n.Value)
	case "!!int", "!!float":
		var value any
		err := n.Decode(&value)
		return value, err
	}
	return n.Value, nil
}

// A limit is something that a schema cannot say of a spec.
type limit struct {
	// message matches the error of pulpimg.
	message *regexp.Regexp
	reason  string
}

const (
	namesElsewhere = "a schema sees a value, not what other values are called"
	followsValues  = "a schema does not follow values from one place to another"
	seesNoFiles    = "a schema sees no files"
	onePath        = "a pattern that leaves out single paths is none that one can read"
	seesOnlyValues = "a schema sees the values of YAML, not how they are written"
)

// limits are all that a schema cannot say.
var limits = []limit{
	{regexp.MustCompile(`is not declared under`), namesElsewhere},
	{regexp.MustCompile(`no image of this family is called`), namesElsewhere},
	{regexp.MustCompile(`in a cycle|these files extend each other`), followsValues},
	{regexp.MustCompile(`".*" cannot be read: `), seesNoFiles},
	{regexp.MustCompile(`extends is read before there are variables`), "there is one pattern for paths, and elsewhere a variable is right"},
	{regexp.MustCompile(`is several images|two images of the matrix are called|is the name of another image, too|is a variable of the spec, too|is no name for an image|the matrix has ".*" twice`), namesElsewhere},
	{regexp.MustCompile(`scratch is an image without files`), "elsewhere, scratch is right"},
	{regexp.MustCompile(`is no path in`), "it depends on another key"},
	{regexp.MustCompile(`is /, the image itself`), "there is one pattern for paths, and elsewhere / is right"},
	{regexp.MustCompile(`two caches or mounts at`), followsValues},
	{regexp.MustCompile(`cannot be mounted`), seesNoFiles},
	{regexp.MustCompile(`an image with platform: build is not for`), "no key that is left out is false"},
	{regexp.MustCompile(`runs on the platform of the engine|which is built for the target platform`), followsValues},
	{regexp.MustCompile(`target\.\w+ is not known here`), "there is one pattern for variables of the spec"},
	{regexp.MustCompile(`need each other`), followsValues},
	{regexp.MustCompile(`the step both installs and removes`), "it would take a rule between the items of two lists"},
	{regexp.MustCompile(`the variable \w+ has no value`), "the command line may give it one"},
	{regexp.MustCompile(`would be in the image`), followsValues},
	{regexp.MustCompile(`is secret, and a command line is for everybody to see`), followsValues},
	{regexp.MustCompile(`needs the helper`), followsValues},
	{regexp.MustCompile(`has no command, and (no image that is based on|.* has a start with one)`), followsValues},
	{regexp.MustCompile(`which cannot become`), followsValues},
	{regexp.MustCompile(`has a start, which does not end on`), followsValues},
	{regexp.MustCompile(`is the start script itself`), onePath},
	{regexp.MustCompile(`is for what pulpimg starts containers with`), onePath},
	{regexp.MustCompile(`without braces is not a variable: the value of`), followsValues},
	{regexp.MustCompile(`has the secret .* at `), followsValues},
	{regexp.MustCompile(`is secret, and everybody who has the image`), namesElsewhere},
	{regexp.MustCompile(`of memory, nothing starts`), "a pattern does not compare numbers"},
	{regexp.MustCompile(`a word of Dockerfiles and Compose files`), "elsewhere, it may be a program"},
	{regexp.MustCompile(`is a variable of the environment as well`), namesElsewhere},
	{regexp.MustCompile(`this step puts`), "which files a copy brings depends on the folder"},
	{regexp.MustCompile(`the URL cannot be used`), "a URL has more to it than a pattern that one can read"},
	{regexp.MustCompile(`without an entrypoint, the first word`), "it would take a rule between an item of one key and another key"},
	{regexp.MustCompile(`there is no lens called`), seesNoFiles},
	{regexp.MustCompile(`cannot be copied`), seesNoFiles},
	{regexp.MustCompile(`is a pattern, and may find several files`), "what is in the folder decides whether a name is one of a file or a pattern"},
	{regexp.MustCompile(`is no number of a user or a group`), "a pattern does not compare numbers"},
	{regexp.MustCompile(`is no pattern: syntax error`), "a pattern of patterns would be more than one can read"},
	{regexp.MustCompile(`this step has the directory`), namesElsewhere},
	{regexp.MustCompile(`the root directory stays as it is`), onePath},
	{regexp.MustCompile(`is outside the spec's folder`), "a pattern does not count how often a path goes up and down"},
	{regexp.MustCompile(`has more than \d+ bytes, which no (system|file system) takes`), "a pattern counts characters, not bytes"},
	{regexp.MustCompile(`with all variables, aliases and what images inherit written out`), followsValues},
	{regexp.MustCompile(`with the defaults that it uses`), followsValues},
	{regexp.MustCompile(`would have \d+ layers`), followsValues},
	{regexp.MustCompile(`duplicate key`), seesOnlyValues},
	{regexp.MustCompile(`merge keys`), seesOnlyValues},
	{regexp.MustCompile(`the tag .* is not part of the language`), seesOnlyValues},
	{regexp.MustCompile(`has to be a string, not the date`), "YAML 1.2, which editors read, has no dates"},
	{regexp.MustCompile(`version has to be a number from 1 up, not the number 1\.0`), "JSON has one kind of number"},
	{regexp.MustCompile(`has to be a number from 1 up, not the number (\d+\.0|0x\w+|0o\w+)`), "JSON has one kind of number, and one way to write it"},
	{regexp.MustCompile(`is no (file mode|umask)`), "a number has no digits: to a schema, 0999 and 999 are one"},
	{regexp.MustCompile(`is an alias for a value that contains it`), seesOnlyValues},
	{regexp.MustCompile(`with its aliases written out, the file has more than`), seesOnlyValues},
	{regexp.MustCompile(`a second document begins here`), "a schema sees one document"},
	{regexp.MustCompile(`repository name must not be more than 255 characters`), "the length is that of several values together"},
	{regexp.MustCompile(`no image has the volume`), namesElsewhere},
	{regexp.MustCompile(`(registry|tag): ".*" is there twice`), "it would take a rule between the items of a list"},
	{regexp.MustCompile(`registry: ".*" is the same as`), "it would take a rule between the items of a list"},
	{regexp.MustCompile(`would both be published as`), namesElsewhere},
	{regexp.MustCompile(`would be kept under the same name`), followsValues},
	{regexp.MustCompile(`would hide the whole image|has a ':', at which`), "there is one pattern for paths, and elsewhere these are right"},
	{regexp.MustCompile(`Kubernetes itself sets the variable`), namesElsewhere},
	{regexp.MustCompile(`the Service .* needs a port from 1 to 65535`), followsValues},
	{regexp.MustCompile(`healthcheck.http needs a port from 1 to 65535`), "numbers have no such end elsewhere"},
	{regexp.MustCompile(`the family has no image called|is a matrix, which makes several images|is no job: containers of it|waits for its own end`), namesElsewhere},
	{regexp.MustCompile(`is no host name or address|is an address (in a form|that means)`), "a pattern does not know addresses"},
	{regexp.MustCompile(`has to be 1ms at least`), "a pattern does not add up spans of time"},
	{regexp.MustCompile(`has to be 2147483647 at most`), "numbers have no such end elsewhere"},
	{regexp.MustCompile(`the script of healthcheck is empty`), "elsewhere, a script of line ends is one"},
	{regexp.MustCompile(`waits for no services|is ready by its healthcheck`), followsValues},
	{regexp.MustCompile(`in the schedule ends before it begins`), "a pattern does not compare numbers"},
	{regexp.MustCompile(`lets no container be taken away`), "there is one pattern for percentages, and 0% and 100% are each right for the other key"},
	{regexp.MustCompile(`lets none of \d+ replicas be taken away`), "a schema compares no numbers of two keys"},
	{regexp.MustCompile(`grace is counted in whole seconds`), "a pattern does not add up spans of time"},
	{regexp.MustCompile(`"0[0.]*[A-Za-z]*" is no amount of storage`), "there is one pattern for amounts, which may be nothing elsewhere"},
	{regexp.MustCompile(`has to be a span of time, not "9{20}h"`), "a pattern does not say how long a span of time may be"},
}

// onTop finds a spec on top of another: what it lacks, and what contradicts it, may be in the other.
var onTop = regexp.MustCompile(`(?m)^extends:`)

// ofTheWhole are what is said of both together.
var ofTheWhole = regexp.MustCompile(`needs (the key|a command|the volumes|a name)|declares no images|is required and has a default|is a singleton and has|a cronjob needs a schedule|only a cronjob has|has no number of replicas|is no singleton|is never ready|is not spread|has no disruptionBudget|disruptionBudget needs|has a selector, for pods|has a start and an entrypoint|needs either a command, a script or http|needs either a url or a command|has a url and a command|has a job and no command|has publish: false and|has a matrix|has a name and no matrix|has to be .*, not nothing`)

// variable finds a variable of the spec at the place of an error.
var variable = regexp.MustCompile(`^["']?[^"',\]}]*\$\{\{ *\w+ *\}\}`)

// beyond reports whether a schema cannot express any of the errors: limits lists them, or they are about the value of a variable.
func beyond(data []byte, errs spec.Errors, used map[string]bool) bool {
	for _, c := range errs {
		if c.At.Start.File != "" || c.File != "spec.yaml" {
			continue // a schema sees one file
		}
		found := variable.MatchString(behind(data, c.At.Start))
		found = found || onTop.Match(data) && ofTheWhole.MatchString(c.Message)
		for _, l := range limits {
			if l.message.MatchString(c.Message) {
				found = true
				used[l.message.String()] = true
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// behind returns the rest of the line from a place on.
func behind(data []byte, at spec.Position) string {
	line := strings.Split(string(data), "\n")[at.Line-1]
	return string([]rune(line)[at.Column-1:])
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func text(errs spec.Errors) string {
	if len(errs) == 0 {
		return "accepted"
	}
	return fmt.Sprint(errs)
}
