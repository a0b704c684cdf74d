package contract_test

import (
	"testing"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

func TestExpand_bracketsIPv6(t *testing.T) {
	c := contract.Contract{Environment: []contract.Variable{
		{Name: "H", Default: text("fd00::7")}, {Name: "BOTH", Default: text("${H}:5672")}, {Name: "SAME", Default: text("${H}")}, {Name: "P", Default: text("27017")},
		{Name: "USER", Default: text("me")}, {Name: "SECRET", Default: text("fd00::8"), Secret: true},
	}}
	for _, test := range []struct{ name, text, host, want string }{
		{"alone", "${H}", "", "fd00::7"},
		{"with a port", "${H}:${P}", "", "[fd00::7]:27017"},
		{"with a port that is known", "${H}:27017", "", "[fd00::7]:27017"},
		{"with a path, as of NFS", "${H}:/export", "", "[fd00::7]:/export"},
		{"in a URL", "tcp://${H}:${P}", "", "tcp://[fd00::7]:27017"},
		{"in a URL without a port", "http://${H}/x", "", "http://[fd00::7]/x"},
		{"at the end of a URL", "http://${H}", "", "http://[fd00::7]"},
		{"behind the user of a URL", "qpid://${USER}@${H}:${P}", "", "qpid://me@[fd00::7]:27017"},
		{"as the user of a URL", "qpid://${H}:${H}@h", "", "qpid://fd00::7:fd00::7@h"},
		{"as one of several", "mongodb://a:1,${H},${H}:2/db", "", "mongodb://a:1,[fd00::7],[fd00::7]:2/db"},
		{"in the query of a URL", "http://h/?host=${H}&peer=${H}:1", "", "http://h/?host=fd00::7&peer=[fd00::7]:1"},
		{"in a word of a command", "--bind=${H}:${P}", "", "--bind=[fd00::7]:27017"},
		{"with brackets in the text", "[${H}]:${P} tcp://[${H}]", "", "[fd00::7]:27017 tcp://[fd00::7]"},
		{"in a list", "a:1, ${H}:1,${H}:2", "", "a:1, [fd00::7]:1,[fd00::7]:2"},
		{"within something else", "x${H}:1 http://a-${H}", "", "xfd00::7:1 http://a-fd00::7"},
		{"by way of another variable", "${SAME}:${P} ${SAME}", "", "[fd00::7]:27017 fd00::7"},
		{"within another variable", "${BOTH} tcp://${BOTH}", "", "[fd00::7]:5672 tcp://[fd00::7]:5672"},
		{"behind an escape", "$${X}://${H}:1", "", "${X}://[fd00::7]:1"},
		{"a scheme that is escaped text", "$${H}:1", "", "${H}:1"},
		{"with a zone", "${H}:1", "fe80::1%eth0", "[fe80::1%eth0]:1"},
		{"an IPv4 address in IPv6", "${H}:1", "::ffff:10.0.0.1", "[::ffff:10.0.0.1]:1"},
		{"the shortest one", "tcp://${H}:1", "::", "tcp://[::]:1"},
		{"with brackets in the value", "${H}:1 tcp://${H}:1", "[fd00::7]", "[fd00::7]:1 tcp://[fd00::7]:1"},
		{"with brackets and a port in the value", "tcp://${H}", "[fd00::7]:1", "tcp://[fd00::7]:1"},
		{"several in the value", "mongodb://${H}/x", "fd00::1,fd00::2,h:1", "mongodb://[fd00::1],[fd00::2],h:1/x"},
		{"an IPv4 address", "tcp://${H}:1 ${H}:1", "10.0.0.1", "tcp://10.0.0.1:1 10.0.0.1:1"},
		{"a name", "tcp://${H}:1", "db", "tcp://db:1"},
		{"a name and a port", "tcp://${H}", "db:1", "tcp://db:1"},
		{"a URL", "${H}", "tcp://[fd00::7]:1", "tcp://[fd00::7]:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := contract.NewEnvironment(c, func(name string) string { return map[string]string{"H": test.host}[name] })
			got, err := env.Expand(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if got.Text != test.want || got.Shown != test.want {
				t.Errorf("Expand(%q) = %q, shown as %q, want %q", test.text, got.Text, got.Shown, test.want)
			}
		})
	}
}

func TestExpandURL_bracketsIPv6(t *testing.T) {
	env := contract.NewEnvironment(contract.Contract{Environment: []contract.Variable{{Name: "SECRET", Secret: true}}}, func(string) string { return "fd00::7" })
	for text, want := range map[string]contract.Value{
		"amqp://${A}:${B}@${H}:${P}/${V}": {Text: "amqp://fd00%3A%3A7:fd00%3A%3A7@[fd00::7]:fd00::7/fd00::7", Variables: []string{"A", "B", "H", "P", "V"}},
		"tcp://${H}:1":                    {Text: "tcp://[fd00::7]:1", Variables: []string{"H"}},
		"mongodb://u:p@a,${H}":            {Text: "mongodb://u:p@a,[fd00::7]", Variables: []string{"H"}},
		"tcp://${SECRET}:1":               {Text: "tcp://[fd00::7]:1", Shown: "tcp://***:1", Variables: []string{"SECRET"}},
	} {
		got, err := env.ExpandURL(text)
		if err != nil {
			t.Fatal(err)
		}
		if want.Shown == "" {
			want.Shown = want.Text
		}
		if got.Text != want.Text || got.Shown != want.Shown || len(got.Variables) != len(want.Variables) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}
