package main

import "testing"

func TestVariablesAreExpanded(t *testing.T) {
	e := newEnvironment(contract{Environment: []variable{
		{Name: "HOST", Default: pointer("127.0.0.1")},
		{Name: "DB_HOST", Default: pointer("${HOST}")},
		{Name: "EMPTY", Default: pointer("")},
		{Name: "LOOP", Default: pointer("${LOOP2}")},
		{Name: "LOOP2", Default: pointer("${LOOP}")},
		{Name: "NONE"},
	}}, func(name string) string { return map[string]string{"PORT": "1", "ODD": "${HOST} $(x)"}[name] })
	for _, test := range []struct{ text, want, wantErr string }{
		{text: "", want: ""},
		{text: "plain $ $x {}", want: "plain $ $x {}"},
		{text: "tcp://${DB_HOST}:${PORT}/", want: "tcp://127.0.0.1:1/"},
		{text: "$${HOST} and ${HOST}", want: "${HOST} and 127.0.0.1"},
		{text: "${ODD}", want: "${HOST} $(x)"}, // a value is not expanded again
		{text: "a${EMPTY}b", want: "ab"},
		{text: "${NONE}", wantErr: "NONE is not set: give it with -e NONE=VALUE"},
		{text: "${LOOP}", wantErr: "the default of LOOP refers to itself"},
		{text: "${HOST", wantErr: "${HOST has no }"},
	} {
		got, err := e.expand(test.text)
		if err == nil && test.wantErr != "" || err != nil && err.Error() != test.wantErr {
			t.Errorf("%q: error %v, want %q", test.text, err, test.wantErr)
		}
		if got != test.want {
			t.Errorf("%q is %q, want %q", test.text, got, test.want)
		}
	}
}
