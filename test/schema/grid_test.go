package schema

import (
	"bytes"
	"flag"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// values are what a change puts in place of a value, in YAML: of every kind, and for every form one that fits and some that nearly do.
var values = []string{
	`1`, `0`, `-1`, `1.5`, `0644`, `022`, `true`, `false`, `null`, `""`, `" "`, `[]`, `{}`, `[[]]`, `[""]`, `[1]`, `[null]`, `[a]`, `[a, a]`, `[[a]]`, `{a: b}`, `{x-a: b}`, `[{}]`,
	`a`, `A`, `a b`, `-a`, `.a`, `a.b`, `a/b`, `a:b`, `a_b`, `a__b`, `a___b`, `"a\nb"`, `"a\tb"`, `"a\x07b"`, `é`, `_`, `"2"`, `1a`, `x-a`,
	`"${{ base }}"`, `"a${{ base }}"`, `"${{base}}"`, `"${{ nothing }}"`, `"$${{ base }}"`, `"$$${{ base }}"`, `"${{ base"`, `"${{ base }"`, `"${{}}"`, `"${{ a.b }}"`,
	`"${DB_HOST}"`, `"a${DB_HOST}b"`, `"$${DB_HOST}"`, `"${DB_HOST"`, `"${}"`, `"${A:-b}"`, `"$"`, `"$$"`, `"$a"`, `"${"`, `"$${"`, `"{}"`,
	`/`, `//`, `/a`, `/a/`, `/a//b`, `/a/./b`, `/a/../b`, `/..`, `/.`, `/...`, `/.a`, `/..a/b`, `/a b`, `a/`, `..`, `../a`, `.`, `./a`, `..a`, `"/a\nb"`, `"/a\x0b"`,
	`/.wh.a`, `/a/.wh..wh..opq`, `/.wh.a/b`, `/.wh`, `/.w`, `/.wa`, `/.wha`, `/.wh/.a`, `/wh.a`, `/a.wh.b`,
	`app`, `bin`, `app/`, `base`, `role`, `scratch`, `database`, `DB_HOST`,
	`registry.example.com`, `registry.example.com/a`, `registry.example.com:5000/a/b`, `https://registry.example.com/a`, `a/b:1`, `a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`,
	`A/b`, `a/B`, `a:1`, `a@b`, `localhost/a`, `"[::1]:5000/a"`, `-a/b`, `a-/b`, `docker.io/library/debian:12`, `docker.io/library/debian:`, `a/b:-x`,
	`app.aug`, `.aug`, `a/app.aug`, `app.augx`, `pulpconf.aug`,
	`https://example.com/a`, `http://h`, `HTTPS://h/a`, `ftp://h/a`, `https://`, `https:///a`, `https://?a`, `//h/a`,
	`tcp://h:1`, `mongo://h:1`, `"tcp://"`, `tcp:h`, `"${DB_HOST}://h"`, `"tcp://${DB_HOST}"`, `amqps://a/b?c`,
	`"80"`, `"080"`, `"0"`, `"65535"`, `"65536"`, `80/tcp`, `53/udp`, `80/sctp`, `80/`, `/tcp`, `"-1"`, `"+1"`,
	`5s`, `1m30s`, `1.5h`, `.5s`, `0s`, `-5s`, `+5s`, `5`, `5 s`, `1d`, `5µs`,
	`"0640"`, `"0o640"`, `"0"`, `"0000"`, `"7777"`, `"10000"`, `"0999"`, `"rw"`, `"022"`, `"22"`, `"0022"`, `"00022"`, `"777"`,
	`e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`, `E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`, `abc`,
	`yum`, `dnf`, `apt`, `config`, `[config]`, `[exec, wait]`, `[confg]`, `a:b:c`, `"a:"`, `:a`, `"@group"`, `"g++"`, `--force`, `"a;b"`, `"a=1"`, `"*"`, `"a  b"`,
	`server/key`, `a b/c`, `a//c`, `"a]/c"`, `/c`, `a/1`,
	`10Gi`, `0`, `"0"`, `0.0Gi`, `0.5`, `1.5Gi`, `1GiB`, `KILL`, `CAP_KILL`, `kill`, `ReadWriteOnce`, `{app: db}`, `{cpu: 100m}`, `{gpu: "1"}`, `{singleton: true, replicas: 2}`, `{port: 1, external: h}`, `{port: 1, selector: {a: b}, external: h}`,
	`7d`, `12h`, `2w`, `never`, `Never`, `0d`, `-7d`, `+7d`, `07d`, `7`, `7D`, `1.5d`, `7 d`, `7d12h`, `1m`, `1month`, `9999w`, `10000h`,
	`none`, `"none "`, `{script: a, interval: 1s}`, `{command: [a], retries: 0}`, `{command: [a], timeout: 0s}`, `1ms`, `999us`, `2147483647`, `2147483648`, `SIGTERM`, `TERM`, `SIGRTMIN+3`, `SIGRTMIN+16`, `"64"`, `"65"`,
	`2014-01-01`, `{script: a}`, `{command: [a]}`, `{script: a, command: [a]}`, `{script: "", command: [a]}`, `{secrets: [a]}`, `{packages: [a]}`, `{groups: [a], packages: []}`, `{tool: dnf}`,
	`{from: app, to: /a}`, `[{from: app, to: /a}]`, `{lens: app.aug}`, `{lens: app.aug, run: a}`, `{x-a: b, run: a}`, `{run: a}`,
	`{required: true}`, `{required: true, default: ""}`, `{required: false, default: a}`, `{default: a}`, `{url: tcp://h}`, `{file: /a, lens: app.aug}`, `{from: scratch}`, `{command: [a]}`,
	`{to: /a, url: "http://h"}`, `{to: /a, baseurl: a, id: a}`, `{to: /a, baseurl: a}`, `{to: /a, url: "http://h", name: ""}`, `{to: /a, url: "http://h", enabled: false}`, `{to: /a, baseurl: "", id: a}`,
	`{to: /a, url: "http://h", baseurl: a, id: a}`,
	`"0.5"`, `"0.0005"`, `250m`, `0m`, `100Gi`, `1.5Gi`, `0Gi`, `1GiB`, `"1e3"`, `192.0.2.1`, `"2001:db8::1"`, `127.0.0.1`, `db.example.com`, `a..b`, `CAP_KILL`, `CAPS`, `CAP`, `KILL`, `kill`, `ReadWriteOnce`, `ReadWriteSome`,
	`[KILL, CAP_KILL]`, `{cpu: "1"}`, `{memory: 1Gi}`, `{requests: {cpu: "1"}}`, `{port: 1}`, `{port: 1, selector: {a: b}}`, `{port: 1, selector: {a: b}, external: h}`, `{port: 1, selector: {}}`,
	`["[0-9]*.?"]`, `["[0-9"]`, `["[^a-c]"]`, `["[^]"]`, `["[]a]"]`, `["[a-]"]`, `["[-a]"]`, `["a]"]`, `['a\\']`, `['a\\[']`, `['[\\]]']`, `["a/*"]`, `["*[^^]"]`, `[a, b]`,
	`{from: scratch, publish: false, tags: [a]}`, `{from: scratch, publish: false, repository: a}`, `{from: scratch, publish: true, tags: [a]}`,
	`{singleton: true}`, `{singleton: true, replicas: 1}`, `{singleton: false, replicas: 1}`,
}

// keys are what a change puts in place of a key, or beside the others.
var keys = []string{"a", "A", "x-a", "x-", "", "1", "a b", "a.b", "a/b", "-a", "scratch", "é", "a\nb", "from", "run", "start", "description"}

var all = flag.Bool("all", false, "put every value in every place, in place of a third of them: two minutes more")

// Whatever is changed in specs that have every key, pulpimg and the schema accept it both or refuse it both. Each value is put in a third of the
// places, and each place gets a third of the values.
func TestGrid(t *testing.T) {
	v := newValidator(t)
	changed := slices.Clone(values)
	for _, o := range schema.Objects(schema.Spec()) {
		for _, k := range o.Keys {
			changed = append(changed, k.Example)
		}
	}
	slices.Sort(changed)
	changed = slices.Compact(changed)
	done := map[string]bool{}
	for name, data := range fullSpecs(t) {
		full := parse(t, data)
		todo := slices.DeleteFunc(places(full, nil), func(at place) bool {
			name := anyItem.ReplaceAllString(at.name(full), "[]")
			was := done[name]
			done[name] = true
			return was
		})
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := comparison{t: t, validator: v, full: full}
			for i, at := range todo {
				for j, value := range changed {
					if *all || (i+j)%3 == 0 {
						c.replace(at, value)
					}
				}
				if at.find(c.full).Kind == yaml.MappingNode {
					c.keys(at)
				}
			}
			t.Logf("both accepted %d specs and refused %d", c.accepted, c.refused)
			least := 200
			if *all {
				least = 500
			}
			if c.accepted < least || c.refused < least {
				t.Errorf("both accepted %d specs and refused %d: such a test says little", c.accepted, c.refused)
			}
		})
	}
}

// anyItem finds the numbers of items: what is found of one is found of the others.
var anyItem = regexp.MustCompile(`\[\d+\]`)

// A comparison changes a spec in one place at a time, and puts it through both.
type comparison struct {
	t                 *testing.T
	validator         validator
	full              *yaml.Node
	accepted, refused int
}

func (c *comparison) replace(at place, value string) {
	document := clone(c.full)
	*at.find(document) = *parse(c.t, []byte(value)).Content[0]
	c.compare(fmt.Sprintf("%s = %s", at.name(c.full), value), document)
}

// keys adds, renames and removes the keys of a mapping.
func (c *comparison) keys(at place) {
	name := at.name(c.full)
	count := len(at.find(c.full).Content)
	for _, key := range keys {
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
		document := clone(c.full)
		mapping := at.find(document)
		mapping.Content = append(mapping.Content, node, parse(c.t, []byte("a")).Content[0])
		c.compare(fmt.Sprintf("%s with the key %q", name, key), document)
		for i := 0; i < count; i += 2 {
			document := clone(c.full)
			mapping := at.find(document)
			was := mapping.Content[i].Value
			mapping.Content[i] = node
			c.compare(fmt.Sprintf("%s with %s called %q", name, was, key), document)
		}
	}
	for i := 0; i < count; i += 2 {
		document := clone(c.full)
		mapping := at.find(document)
		was := mapping.Content[i].Value
		mapping.Content = slices.Delete(mapping.Content, i, i+2)
		c.compare(fmt.Sprintf("%s without %s", name, was), document)
	}
}

func (c *comparison) compare(what string, document *yaml.Node) {
	c.t.Helper()
	data, err := yaml.Marshal(document)
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	errs, refusal := load(data), c.validator.validateNode(document)
	switch {
	case len(errs) == 0 && refusal == nil:
		c.accepted++
	case len(errs) > 0 && refusal != nil:
		c.refused++
	case refusal != nil:
		c.t.Errorf("%s: only the schema refuses it: %v", what, refusal)
	case !beyond(data, errs, map[string]bool{}):
		c.t.Errorf("%s: only pulpimg refuses it: %v", what, errs)
	}
}

// fullSpecs are specs that have every key between them.
func fullSpecs(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/full/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	out := map[string][]byte{}
	for _, file := range files {
		out[filepath.Base(file)] = read(t, file)
	}
	return out
}

// Specs that have every key say something about every key.
func TestGrid_complete(t *testing.T) {
	have := map[string]bool{}
	for name, full := range fullSpecs(t) {
		if errs := load(full); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
		}
		root := parse(t, full)
		visit(schema.Spec(), root.Content[0], place{0}, func(o *schema.Object, at place) {
			for i, n := range at.find(root).Content {
				if i%2 == 0 {
					have[o.Name+"."+n.Value] = true
				}
			}
		})
	}
	for _, o := range schema.Objects(schema.Spec()) {
		for _, k := range o.Keys {
			if !have[o.Name+"."+k.Name] {
				t.Errorf("testdata/full lacks %s of %s", k.Name, o.Name)
			}
		}
	}
}

// A place is the way to a value: the index of a node's content, again and again.
type place []int

func (p place) find(n *yaml.Node) *yaml.Node {
	for _, i := range p {
		n = n.Content[i]
	}
	return n
}

// name is the place in words: the keys and numbers on the way.
func (p place) name(n *yaml.Node) string {
	name := ""
	for _, i := range p {
		switch n.Kind {
		case yaml.MappingNode:
			name += "." + n.Content[i-1].Value
		case yaml.SequenceNode:
			name += fmt.Sprintf("[%d]", i)
		}
		n = n.Content[i]
	}
	return name
}

// places returns the place of every value below a node.
func places(n *yaml.Node, at place) []place {
	var out []place
	if n.Kind != yaml.DocumentNode {
		out = append(out, slices.Clone(at))
	}
	for i, child := range n.Content {
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			out = append(out, places(child, append(at, i))...)
		}
	}
	return out
}

func clone(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = nil
	for _, child := range n.Content {
		out.Content = append(out.Content, clone(child))
	}
	return &out
}

func parse(t *testing.T, data []byte) *yaml.Node {
	t.Helper()
	var n yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&n); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return &n
}
