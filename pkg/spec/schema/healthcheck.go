package schema

// NoHealthcheck is what stands in place of a health check when there is to be none.
var NoHealthcheck = Form{"noHealthcheck", "none", "a mapping with a `command` or a `script`, or `none`"}

func healthcheck() *Object {
	return &Object{
		Name:        "healthcheck",
		Description: "How docker finds out whether a container works: what ends with 0 if it does. It runs in the container, with its environment, as the `user` of the image.",
		Keys: []Key{
			{Name: "command", Type: command(AtBuild), Default: "[]", Example: "[/usr/bin/app, check]",
				Description: "A program and its arguments, without a shell."},
			{Name: "script", Type: String{Form: NonEmptyText, Scope: Verbatim, Multiline: true}, Example: `"curl -fsS http://127.0.0.1:$PORT/health"`,
				Description: "A script for the shell of the image: `/bin/sh -c`, unless the base has a `SHELL`."},
			{Name: "interval", Type: Duration{}, Example: "1m",
				Description: "How long to pause between two checks, 1ms at least. Left out, docker takes 30s."},
			{Name: "timeout", Type: Duration{}, Example: "3s",
				Description: "How long one check takes at most, 1ms at least. Left out, docker takes 30s."},
			{Name: "retries", Type: Count{}, Example: "5",
				Description: "How many checks in a row have to fail. Left out, docker takes 3."},
			{Name: "start_period", Type: Duration{}, Example: "10s",
				Description: "How long checks that fail do not count after the start, 1ms at least. Left out, all of them count."},
			{Name: "start_interval", Type: Duration{}, Example: "1s",
				Description: "How long to pause between two checks in the `start_period`, 1ms at least. Left out, docker takes 5s. Docker knows it since version 25."},
		},
		Rules: []Rule{
			{Kind: ExactlyOne, Conditions: []Condition{{"command", NonEmpty}, {"script", NonEmpty}}, Description: "There is a `command` or a `script`."},
		},
	}
}
