package spec

import "fmt"

// Here are keys that other tools have, or that belong elsewhere in a spec. Each function returns what to write in place of a key that an object
// does not have; "" when it knows of nothing.

const (
	ofContainers = "values of containers are declared under environment, at the top of the spec"
	ofImage      = "write it for an image: images.IMAGE.%s"
)

func misplacedInSpec(key string) string {
	switch key {
	case "volumes":
		return "write it for an image: images.IMAGE.volumes; kubernetes.storage keeps them in a cluster"
	case "env":
		return "write environment, or images.IMAGE.env for what an image sets"
	case "base":
		return fmt.Sprintf(ofImage, "from")
	case "args", "build_args", "vars":
		return "write variables"
	}
	if keyOfImage(key) {
		return fmt.Sprintf(ofImage, key)
	}
	return ""
}

func misplacedInImage(key string) string {
	switch key {
	case "wait", "configure", "init", "require", "umask":
		return within("start", key)
	case "environment", "envFrom", "env_file":
		return ofContainers
	case "depends_on":
		return "declare a service, with a job if it waits for an image, and name it in start: { wait: [...] }"
	case "restart", "restartPolicy":
		return "leave it out: containers are started again, those of a job only when they fail"
	case "deploy", "scale":
		return "write kubernetes: { replicas: ... }"
	case "args":
		return "write command, or variables at the top of the spec for what a build is given"
	case "build_args":
		return "write variables, at the top of the spec"
	case "base", "image":
		return "write from"
	case "test":
		return "write healthcheck: { command: [...] }"
	case "readinessProbe", "livenessProbe":
		return "write healthcheck, which is a readiness probe in a cluster"
	case "stop_grace_period", "terminationGracePeriodSeconds":
		return "write kubernetes: { grace: ... }"
	case "stop_signal":
		return "write stopsignal"
	case "repo", "yum", "dnf", "apt", "apk", "lens", "helpers", "files", "directory", "run":
		return fmt.Sprintf("it is a step: steps: [{ %s: ... }]", key)
	case "working_dir", "workingDir":
		return "write workdir"
	case "services":
		return "write start: { wait: [...] }"
	case "settings":
		return "write start: { configure: [...] }"
	case "expose":
		return "write ports"
	case "cmd":
		return "write command"
	}
	if keyOfWorkload(key) {
		return within("kubernetes", key)
	}
	return ""
}

func misplacedInStart(key string) string {
	switch key {
	case "env", "environment", "envFrom", "env_file":
		return ofContainers
	case "sockets", "files", "variables":
		return within("require", key)
	case "working_dir", "workingDir":
		return "write workdir"
	case "entrypoint", "cmd", "args", "run":
		return "write command"
	case "settings":
		return "write configure"
	case "services", "depends_on":
		return "write wait"
	}
	if keyOfImage(key) {
		return fmt.Sprintf(ofImage, key)
	}
	return ""
}

func misplacedInHealthcheck(key string) string {
	switch key {
	case "test":
		return "write command, a list of words, or script"
	case "disable":
		return "write healthcheck: none"
	case "httpGet":
		return "write http: { port: ..., path: ... }"
	case "port", "path":
		return within("http", key)
	case "periodSeconds":
		return "write interval"
	case "timeoutSeconds":
		return "write timeout"
	case "failureThreshold":
		return "write retries"
	case "initialDelaySeconds":
		return "write start_period"
	}
	return ""
}

// misplacedInKubernetes is about what the spec says for the whole family.
func misplacedInKubernetes(key string) string {
	switch {
	case keyOfWorkload(key):
		return fmt.Sprintf(ofImage, "kubernetes."+key)
	case key == "volumes":
		return within("storage", key)
	case keyOfImage(key):
		return fmt.Sprintf(ofImage, key)
	}
	return ""
}

// misplacedInWorkload is about what an image says.
func misplacedInWorkload(key string) string {
	switch key {
	case "services", "storage", "networkPolicy":
		return "it belongs into kubernetes at the top of the spec"
	case "env", "environment", "envFrom":
		return ofContainers
	case "requests", "limits":
		return within("resources", key)
	case "memory", "cpu":
		return fmt.Sprintf("write resources: { requests: { %s: ... } }, or limits", key)
	case "minAvailable", "maxUnavailable":
		return within("disruptionBudget", key)
	case "readinessProbe", "livenessProbe":
		return "write healthcheck, a key of the image"
	case "terminationGracePeriodSeconds":
		return "write grace"
	}
	if keyOfImage(key) {
		return fmt.Sprintf(ofImage, key)
	}
	return ""
}

func misplacedInResources(key string) string {
	switch key {
	case "cpu", "memory", "ephemeral-storage":
		return fmt.Sprintf("write requests: { %s: ... } or limits: { %s: ... }", key, key)
	}
	return ""
}

func within(object, key string) string {
	return fmt.Sprintf("it belongs into %s: { %s: ... }", object, key)
}

// keyOfImage reports whether only an image has a key.
func keyOfImage(key string) bool {
	switch key {
	case "from", "env", "user", "workdir", "volumes", "ports", "secrets", "stopsignal", "entrypoint", "command", "steps", "healthcheck", "start":
		return true
	}
	return false
}

// keyOfWorkload reports whether only what an image says of Kubernetes has a key.
func keyOfWorkload(key string) bool {
	switch key {
	case "kind", "schedule", "readiness", "singleton", "replicas", "grace", "disruptionBudget", "spread", "capabilities", "resources":
		return true
	}
	return false
}
