package schema

// NoHealthcheck is what stands in place of a health check when there is to be none.
var NoHealthcheck = Form{"noHealthcheck", "none", "a mapping with a `command`, a `script` or `http`, or `none`"}

func healthcheck() *Object {
	return &Object{
		Name:        "healthcheck",
		Description: "How docker finds out whether a container works: what ends with 0 if it does. It runs in the container, with its environment, as the `user` of the image.",
		Keys: []Key{
			{Name: "command", Type: command(AtBuild), Default: "[]", Example: "[/usr/bin/app, check]",
				Description: "A program and its arguments, without a shell."},
			{Name: "script", Type: String{Form: NonEmptyText, Scope: Verbatim, Multiline: true}, Example: `"curl -fsS http://127.0.0.1:$PORT/health"`,
				Description: "A script for the shell of the image: `/bin/sh -c`, unless the base has a `SHELL`."},
			{Name: "http", Type: httpCheck(), Example: "{ port: 8000, path: /healthz }",
				Description: "A page of a web server in the container. The image, or one that it is based on, needs a `helpers` step; in Kubernetes, the kubelet asks."},
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
			{Kind: ExactlyOne, Conditions: []Condition{{"command", NonEmpty}, {"script", NonEmpty}, {"http", Set}},
				Description: "There is a `command`, a `script` or `http`."},
		},
	}
}

// CheckPath is a path and a query as a request line has them.
var CheckPath = Form{"checkPath", `/(?:[!"$&-~]|%[0-9A-Fa-f]{2})*`, "a path that begins with `/`, of ASCII characters without blanks, `#`, and `%` but before two hexadecimal digits"}

func httpCheck() *Object {
	return &Object{
		Name:        "http check",
		Description: "A page that is there when the container works: a GET request gets a status from 200 to 399. The request is not encrypted.",
		Keys: []Key{
			{Name: "port", Required: true, Type: Count{}, Example: "8000", Description: "The port of the container, from 1 to 65535."},
			{Name: "path", Type: String{Form: CheckPath, Scope: AtBuild}, Default: "/", Example: "/healthz", Description: "The path of the page."},
		},
	}
}
