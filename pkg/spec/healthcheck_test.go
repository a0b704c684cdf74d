package spec

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse_healthcheck(t *testing.T) {
	s, err := Parse("f.yaml", []byte(head+`images:
  a:
    from: scratch
    healthcheck: { command: [/app, check], interval: 1m30s, timeout: 1ms, retries: 2147483647, start_period: 10s, start_interval: 1.5s, x-why: [] }
  b: { from: scratch, healthcheck: { script: "a\nb" } }
  c: { from: scratch, healthcheck: none }
  d: { from: scratch }
  e: { from: scratch, healthcheck: { http: { port: 8000, path: /a } } }
`))
	if err != nil {
		t.Fatal(err)
	}
	a, b, c, d := s.Images[0].Value.Healthcheck, s.Images[1].Value.Healthcheck, s.Images[2].Value.Healthcheck, s.Images[3].Value.Healthcheck
	if a.At.Start != (Position{Line: 8, Column: 18}) || len(a.Command) != 2 || a.Command[1].Value != "check" || a.None.IsSet() {
		t.Errorf("got %+v", a)
	}
	if diff := cmp.Diff([]time.Duration{90 * time.Second, time.Millisecond, 10 * time.Second, 1500 * time.Millisecond, 1<<31 - 1},
		[]time.Duration{a.Interval, a.Timeout, a.StartPeriod, a.StartInterval, time.Duration(a.Retries)}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if b.Script.Value != "a\nb" || c.None.Value != "none" || c.None.At.Start != (Position{Line: 10, Column: 36}) || d != nil {
		t.Errorf("got %+v, %+v, %+v", b, c, d)
	}
	if h := s.Images[4].Value.Healthcheck.HTTP; h == nil || h.Port != 8000 || h.Path.Value != "/a" || h.At.Start != (Position{Line: 12, Column: 44}) {
		t.Errorf("got %+v", h)
	}
}

func TestParse_healthcheckErrors(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"an unknown key", "{comand: [a]}", `f.yaml:5:43: unknown key "comand" in images.a.healthcheck (did you mean "command"?)`},
		{"a key as docker spells it", "{script: a, start-period: 1s}", `f.yaml:5:54: unknown key "start-period" in images.a.healthcheck (did you mean "start_period"?)`},
		{"nothing", "", `f.yaml:5:42: images.a.healthcheck has to be a mapping, not nothing`},
		{"a list", "[a]", `f.yaml:5:42: images.a.healthcheck has to be a mapping, not a list`},
		{"a truth value", "false", `f.yaml:5:42: images.a.healthcheck has to be a mapping, not the truth value false (write healthcheck: none, or leave it out)`},
		{"an empty mapping", "{}", `f.yaml:5:42: images.a.healthcheck needs either a command, a script or http`},
		{"neither", "{interval: 1s}", `f.yaml:5:42: images.a.healthcheck needs either a command, a script or http`},
		{"an empty command", "{command: []}", `f.yaml:5:42: images.a.healthcheck needs either a command, a script or http`},
		{"an empty script", `{script: ""}`, `f.yaml:5:42: images.a.healthcheck needs either a command, a script or http`},
		{"both", "{script: a, command: [a]}", `f.yaml:5:42: images.a.healthcheck needs either a command, a script or http`},
		{"a command and a page", "{http: {port: 80}, command: [a]}", `f.yaml:5:42: images.a.healthcheck needs either a command, a script or http`},
		{"a page without a port", "{http: {path: /}}", `f.yaml:5:49: images.a.healthcheck.http needs a port from 1 to 65535 (such as port: 8000)`},
		{"a port that is none", "{http: {port: 65536}}", `f.yaml:5:49: images.a.healthcheck.http needs a port from 1 to 65535 (such as port: 8000)`},
		{"a port in words", "{http: {port: http}}", `f.yaml:5:56: port has to be a number from 1 up, not "http"`},
		{"a command that is none", "{command: a}", `f.yaml:5:52: command has to be a list, not "a" (write [a])`},
		{"a control character", `{script: "a\0"}`, `f.yaml:5:51: script has a control character`},
		{"no unit", "{script: a, interval: 5}", `f.yaml:5:64: interval has to be a span of time, not the number 5 (such as "5s" or "1m30s")`},
		{"no time", "{script: a, start_period: 0s}", `f.yaml:5:68: start_period has to be a span of time, not "0s" (leave it out: to docker, 0 is its default)`},
		{"no time, as a number", "{script: a, timeout: 0}", `f.yaml:5:63: timeout has to be a span of time, not the number 0 (leave it out: to docker, 0 is its default)`},
		{"less than no time", "{script: a, timeout: -1s}", `f.yaml:5:63: timeout has to be a span of time, not "-1s" (such as "5s" or "1m30s")`},
		{"less than docker takes", "{script: a, start_interval: 999us}", `f.yaml:5:70: start_interval has to be 1ms at least, not 999µs`},
		{"more than a number holds", "{script: a, interval: 9999999999h}", `f.yaml:5:64: interval has to be a span of time, not "9999999999h" (such as "5s" or "1m30s")`},
		{"no tries", "{script: a, retries: 0}", `f.yaml:5:63: retries has to be a number from 1 up, not the number 0`},
		{"more than docker takes", "{script: a, retries: 2147483648}", `f.yaml:5:63: retries has to be 2147483647 at most, not 2147483648`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(head+"images: {a: {from: scratch, healthcheck: "+test.value+"}}\n"))
			if got := message(err); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
