module github.com/pulpimg/pulpimg/test/schema

go 1.26.8

require (
	github.com/dlclark/regexp2 v1.11.0
	github.com/pulpimg/pulpimg v0.0.0
	github.com/rogpeppe/go-internal v1.16.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	gopkg.in/yaml.v3 v3.0.1
)

require (
	github.com/distribution/reference v0.6.0 // indirect
	github.com/moby/patternmatcher v0.6.1 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
)

replace github.com/pulpimg/pulpimg => ../..
