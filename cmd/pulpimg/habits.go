package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// People who come from other tools try what these have. A habit is such a flag or command, and what to do here instead.

// flagHint returns what to do instead of giving a command a flag that it does not have, or nothing.
func flagHint(cmd *cobra.Command, name string) string {
	if hint := commandFlagHints(cmd.CommandPath())[name]; hint != "" {
		return hint
	}
	return flagHints()[name]
}

// commandFlagHints returns those of the command with a path, such as pulpimg engine prune.
func commandFlagHints(path string) map[string]string {
	switch strings.TrimPrefix(path, "pulpimg ") {
	case "build":
		return buildFlagHints()
	case "run":
		const withPrint = "print docker's command line with --print, and add it there"
		return map[string]string{
			"i": withPrint, "t": withPrint, "it": withPrint, "interactive": withPrint, "tty": withPrint,
			"rm":         "a container in the foreground is removed when it ends",
			"entrypoint": withPrint, "u": withPrint, "user": withPrint, "w": withPrint, "workdir": withPrint, "mount": withPrint,
			"privileged": withPrint, "device": withPrint, "gpus": withPrint, "label": withPrint, "l": withPrint, "add-host": withPrint,
			"cap-add":      "the spec says it: images.NAME.kubernetes.capabilities",
			"memory":       "the spec says it: images.NAME.kubernetes.resources.limits",
			"cpus":         "the spec says it: images.NAME.kubernetes.resources.limits",
			"m":            "the spec says it: images.NAME.kubernetes.resources.limits",
			"stop-timeout": "the spec says it: images.NAME.kubernetes.grace",
			"P":            "name the ports with -p HOST:CONTAINER",
			"publish-all":  "name the ports with -p HOST:CONTAINER",
		}
	case "push":
		return map[string]string{"a": "push publishes all images of the spec", "all-tags": "push publishes all images of the spec"}
	case "engine prune":
		const limit = "keep what fits with --keep-storage SIZE"
		const age = "remove what was not used for a time with --older-than DURATION"
		return map[string]string{
			"a": "without a flag, it removes everything", "all": "without a flag, it removes everything",
			"f": "it does not ask before it removes something", "force": "it does not ask before it removes something",
			"filter": age, "until": age, "keep-duration": age,
			"max-used-space": limit, "reserved-space": limit, "min-free-space": limit,
			"dry-run": "pulpimg engine status shows what there is, and for how long it was not used",
		}
	case "records prune":
		const all = "without names, it is about all images of the spec"
		return map[string]string{"a": all, "all": all, "force": "--yes removes without a question", "until": "--older-than DURATION is for images that are not published"}
	case "manifests":
		return map[string]string{"dry-run": "it only prints; pipe it to kubectl apply -f - to change a cluster"}
	}
	return nil
}

func buildFlagHints() map[string]string {
	const attest = "there are no attestations; --metadata-file says what was built"
	const step = "the engine decides it; see --engine for another one"
	return map[string]string{
		"pull":            "every build looks up the bases anew",
		"no-cache-filter": "--no-cache runs every command again",
		"squash":          "each step is a layer: write what belongs together as one step",
		"iidfile":         "--metadata-file FILE has the digests",
		"rm":              "nothing is left behind that had to be removed",
		"force-rm":        "nothing is left behind that had to be removed",
		"builder":         "--engine ADDRESS builds on another BuildKit",
		"build-context":   "files come from the folder of the spec",
		"ssh":             "give a run step what it needs with --secret",
		"sbom":            attest, "provenance": attest, "attest": attest,
		"network": step, "add-host": step, "allow": step, "ulimit": step, "shm-size": step, "cgroup-parent": step, "memory": step, "m": step,
	}
}

// flagHints are for flags that people give to any command.
func flagHints() map[string]string {
	const name = "the spec names the images; --tag TAG and --registry PREFIX publish them elsewhere"
	const cache = "the engine keeps its cache itself; share an engine with --engine"
	const quiet = "give build --progress quiet; results are on standard output"
	const file = "give variables of the spec values with --vars FILE, a YAML file"
	const variable = "declare it under variables in the spec, and give it with --set NAME=VALUE"
	return map[string]string{
		"t": name, "name": name,
		"q": quiet, "quiet": quiet,
		"build-arg": variable, "arg": variable, "var": variable,
		"build-arg-file": file, "var-file": file, "values": file,
		"label":      "the spec has the labels: images.NAME.labels",
		"annotation": "the spec has the labels: images.NAME.labels",
		"cache-to":   cache, "cache-from": cache, "cache": cache, "export-cache": cache, "import-cache": cache,
		"dry-run": "pulpimg plan says what a build would do, and pulpimg validate checks the spec",
		"target":  "name the images as arguments: pulpimg build IMAGE",
		"D":       "pulpimg build has --debug and --progress plain", "verbose": "pulpimg build has --debug and --progress plain",
		"o": "print it and redirect standard output", "output": "print it and redirect standard output",
		"config":  "name the spec with -f, and docker's configuration with DOCKER_CONFIG",
		"context": "name docker's context with DOCKER_CONTEXT, and the engine with --engine",
		"env":     "pulpimg run, compose and manifests have it; images get theirs from the spec",
		"e":       "pulpimg run, compose and manifests have it; images get theirs from the spec",
	}
}

// commandHint returns what to do instead of a command that there is not, or nothing.
func commandHint(parent *cobra.Command, name string) string {
	if parent.HasParent() {
		return ""
	}
	return commandHints()[name]
}

func commandHints() map[string]string {
	const show = "pulpimg show prints the images of a spec"
	const kubernetes = "pulpimg manifests prints the objects; kubectl apply takes them"
	const composed = "pulpimg compose prints a Compose file; docker compose takes it"
	const containers = "use docker or podman for containers that run"
	return map[string]string{
		"images": show, "image": show, "ls": show, "list": show, "inspect": show, "config": show, "history": show,
		"tag":   "publish under another tag with --tag TAG",
		"login": "log in with docker login or podman login", "logout": "log out with docker logout or podman logout",
		"bake": "pulpimg build builds all images of a spec", "buildx": "pulpimg build builds all images of a spec", "make": "pulpimg build builds all images of a spec",
		"publish": "use pulpimg push, or pulpimg build --push",
		"pull":    "every build looks up the bases, and pulpimg run pulls what it starts",
		"load":    "pulpimg build --load loads the images into docker, podman or nerdctl", "save": "pulpimg build -o docker-archive:FILE writes an archive", "export": "pulpimg build -o oci:DIR writes a directory",
		"rmi": "pulpimg engine prune frees the disk", "rm": "pulpimg engine prune frees the disk", "prune": "pulpimg engine prune frees the disk", "clean": "pulpimg engine prune frees the disk", "system": "pulpimg engine prune frees the disk", "builder": "pulpimg engine prune frees the disk",
		"lint": "use pulpimg validate", "check": "use pulpimg validate",
		"apply": kubernetes, "deploy": kubernetes, "kubernetes": kubernetes, "k8s": kubernetes, "helm": kubernetes,
		"up": composed, "down": composed,
		"ps": containers, "exec": containers, "logs": containers, "stop": containers,
		"new": "pulpimg init writes a spec to start from", "create": "pulpimg init writes a spec to start from",
	}
}
