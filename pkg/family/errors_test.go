package family_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// step is a spec with one step, whose value begins in line 8, column 16.
func step(s string) string {
	return head + "images:\n  a:\n    from: scratch\n    steps: [ { " + s + " } ]\n"
}

// on is a spec with one image that is based on something; the reference begins in line 5, column 20.
func on(from string) string { return head + "images: {a: {from: " + from + "}}\n" }

// started is a spec with one image that starts a command, with the helpers that it needs.
func started(declarations, start string) string {
	return head + declarations + "images:\n  a:\n    from: scratch\n    steps: [helpers: [config, wait]]\n    start: " + start + "\n"
}

// reserved is the error about a file at a column of line 8 that is for what containers start with.
func reserved(column, path string) string {
	return "f.yaml:8:" + column + ": " + path + " is for what pulpimg starts containers with (put it somewhere else)"
}

const images = "images: {a: {from: scratch}}\n"

func TestResolve_errors(t *testing.T) {
	const private = "variables: {pw: {default: hunter2}}\nimages:\n  a: {from: scratch, steps: [repo: {url: \"https://me:${{ pw }}@h/r\", to: /r}"
	const public = `the variable pw holds credentials of a URL: here, everybody who has the image could read it (a run step gets a secret by its key secrets)`
	const published = `holds credentials, and the repository file is part of the image (write a file with credentials in a run step that has secrets, and remove it in the same step)`
	const inService = `the URL holds a password, which would be in the image (write ${NAME} for the password, with a secret variable of the environment)`
	for _, test := range []struct {
		name, yaml, want string
		variables        map[string]string
	}{
		{"a password in a script", head + private + ", run: \"curl ${{ pw }}\"]}\n", "f.yaml:7:90: " + public, nil},
		{"a password in a label", head + private + "], labels: {l: \"${{ pw }}\"}}\n", "f.yaml:7:93: " + public, nil},
		{"a password in the base of a repository file", step(`repo: {id: r, baseurl: "https://me:hunter2@h/r", to: /r}`), `f.yaml:8:39: https://xxxxx@h/r ` + published, nil},
		{"a token in one of several", step(`repo: {id: r, baseurl: "https://h/r https://g/r?token=hunter2", to: /r}`), `f.yaml:8:39: https://g/r?xxxxx ` + published, nil},
		{"a password in a key's address", step(`repo: {id: r, baseurl: "https://h/r", gpgkey: "ftp://me:hunter2@h/r", to: /r}`), `f.yaml:8:62: ftp://xxxxx@h/r ` + published, nil},
		{"a URL of a whole page", step(`repo: {url: "https://h/` + strings.Repeat("r", 16<<10) + `", to: /r}`), "f.yaml:8:28: the URL is longer than 16 KiB, and no server accepts such a URL", nil},
		{"a password with a slash", step(`repo: {url: "https://me:hun/ter2@h/r", to: /r}`), `f.yaml:8:28: "https://xxxxx@h/r" is no URL to fetch a file from (write https://HOST/PATH)`, nil},
		{"a password with an @", step(`repo: {url: "ftp://me:hun@ter2@h/r", to: /r}`), `f.yaml:8:28: "ftp://xxxxx@h/r" is no URL to fetch a file from (write https://HOST/PATH)`, nil},
		{"a password with a question mark", step(`repo: {url: "ftp://me:hun?ter2@h/r", to: /r}`), `f.yaml:8:28: "ftp://xxxxx" is no URL to fetch a file from (write https://HOST/PATH)`, nil},
		{"a token in a URL of another scheme", step(`repo: {url: "ftp://me@h/r?token=hunter2", to: /r}`), `f.yaml:8:28: "ftp://xxxxx@h/r?xxxxx" is no URL to fetch a file from (write https://HOST/PATH)`, nil},
		{"a password with an @ in the base of a repository file", step(`repo: {id: r, baseurl: "https://me:hun@ter2@h/r", to: /r}`), `f.yaml:8:39: https://xxxxx@h/r ` + published, nil},
		{"a password in no URL", step(`repo: {url: "me:hunter2@h/r", to: /r}`), `f.yaml:8:28: "xxxxx@h/r" is no URL to fetch a file from (write https://HOST/PATH)`, nil},
		{"a token in no URL", step(`repo: {url: "h/r?token=hunter2", to: /r}`), `f.yaml:8:28: "h/r?xxxxx" is no URL to fetch a file from (write https://HOST/PATH)`, nil},

		{"a secret variable in the image", head + "environment: {PW: {secret: true}}\nimages: {a: {from: scratch, env: {PW: hunter2}}}\n",
			`f.yaml:6:35: PW is secret, and everybody who has the image would see its value (leave it out here, and give the value to containers)`, nil},
		{"a secret variable in a step", head + "environment: {PW: {secret: true}}\nimages: {a: {from: scratch, steps: [env: {PW: hunter2}]}}\n",
			`f.yaml:6:43: PW is secret, and everybody who has the image would see its value (leave it out here, and give the value to containers)`, nil},
		{"a word of Compose files in a check", head + "images: {a: {from: scratch, healthcheck: {command: [CMD, curl]}}}\n",
			`f.yaml:5:53: CMD is a word of Dockerfiles and Compose files, and no program (leave the word out; healthcheck: none takes away the check of the base)`, nil},
		{"a shell of Compose files in a check", head + "images: {a: {from: scratch, healthcheck: {command: [CMD-SHELL, curl]}}}\n",
			`f.yaml:5:53: CMD-SHELL is a word of Dockerfiles and Compose files, and no program (write script: in place of command: [CMD-SHELL, ...])`, nil},
		{"memory without a unit", head + "images: {a: {from: scratch, command: [x], kubernetes: {resources: {limits: {memory: \"512\"}}}}}\n",
			`f.yaml:5:85: with 512 bytes of memory, nothing starts (give it a unit, such as 512Mi)`, nil},
		{"an undeclared variable", head + "variables: {base: {default: b}}\nimages: {a: {from: \"reg/${{ bsae }}:1\"}}\n",
			`f.yaml:6:25: the variable "bsae" is not declared under variables (did you mean "base"?)`, nil},
		{"a variable without a value", head + "variables: {base: {}, b: {default: \"${{ base }}\"}}\nimages: {a: {from: \"${{ base }}\", volumes: [\"${{ b }}\"]}}\n", `f.yaml:5:13: the variable base has no value`, nil},
		{"a value for a variable that is not declared", head + "variables: {base: {default: b}}\n" + images,
			`f.yaml:1:1: override of the variable bose: the spec declares no variable of that name (did you mean "base"?)`, map[string]string{"bose": "x"}},
		{"a value that is no reference", head + "variables: {base: {}}\nimages: {a: {from: \"${{ base }}\"}}\n",
			`f.yaml:6:20: "Fedora:20" is no valid reference: invalid reference format: repository name (library/Fedora) must be lowercase (such as "docker.io/library/fedora:20")`,
			map[string]string{"base": "Fedora:20"}},
		{"variables that need each other", head + "variables:\n  a: {default: \"${{ b }}\"}\n  b: {default: \"${{ c }}\"}\n  c: {default: \"${{ b }}\"}\n" + images,
			`f.yaml:7:3: the defaults of these variables need each other: b -> c -> b`, nil},
		{"a variable that nothing closes", on(`"reg/a:${{ base"`), `f.yaml:5:27: nothing closes this ${{ (write $${{ for the characters themselves)`, nil},
		{"a variable of the environment where there is none yet", head + "environment: {A: {}}\nimages: {a: {from: scratch, labels: {l: \"x ${A}\"}}}\n",
			`f.yaml:6:44: ${A} is known when a container starts, not when the image is built (use a variable of the spec, ${{ name }}, or write $${ for the characters ${ themselves)`, nil},
		{"a name that no shell can set", head + "environment: {A-B: {}}\n" + images,
			`f.yaml:5:15: "A-B" is no name for a variable (use letters, digits and _, and begin with no digit)`, nil},
		{"defaults that need each other", head + "environment: {A: {default: \"${B}\"}, B: {default: \"${A}\"}}\n" + images,
			`f.yaml:5:15: the defaults of these variables need each other: A -> B -> A`, nil},
		{"an undeclared variable in a default", head + "environment: {A: {default: \"${AA}\"}}\n" + images,
			`f.yaml:5:29: the variable "AA" is not declared under environment (did you mean "A"?)`, nil},
		{"an expression", head + "environment: {A: {}}\nservices: {s: {url: \"tcp://${A:-b}:1\"}}\n" + images,
			`f.yaml:6:28: only a name goes between ${ and }, not "A:-b" (defaults go under environment)`, nil},

		{"images based on each other", head + "images:\n  a: {from: b}\n  b: {from: c}\n  c: {from: b}\n",
			`f.yaml:7:13: the images are based on each other in a cycle: b -> c -> b (base one of them on an image from outside)`, nil},
		{"an image based on itself", on("a"), `f.yaml:5:20: the images are based on each other in a cycle: a -> a (base one of them on an image from outside)`, nil},
		{"an unknown image", head + "images: {base: {from: scratch}, a: {from: bsae}}\n", `f.yaml:5:43: no image of this family is called "bsae" (did you mean "base"?)`, nil},
		{"an image from outside without its repository", on("fedora"), `f.yaml:5:20: no image of this family is called "fedora" (write docker.io/library/fedora for an image from outside)`, nil},
		{"no reference", on("a//b"), `f.yaml:5:20: "a//b" is no valid reference: invalid reference format (such as "docker.io/library/fedora:20")`, nil},
		{"a reference with capitals", on("reg.example/A:1"),
			`f.yaml:5:20: "reg.example/A:1" is no valid reference: invalid reference format: repository name (A) must be lowercase (such as "docker.io/library/fedora:20")`, nil},
		{"an image with capitals", head + "images: {A: {from: scratch}}\n", `f.yaml:5:10: "A" is no name for an image (use small letters and digits, and '-', '_' or '.' between them)`, nil},
		{"an image in a folder", head + "images: {a/b: {from: scratch}}\n", `f.yaml:5:10: "a/b" is no name for an image (use small letters and digits, and '-', '_' or '.' between them)`, nil},
		{"an image called scratch", head + "images: {scratch: {from: docker.io/library/b}}\n", `f.yaml:5:10: "scratch" is no name for an image (from: scratch means no image at all)`, nil},
		{"two images under one reference", head + "images:\n  a: {from: scratch}\n  \"a\": {from: scratch}\n",
			`f.yaml:7:3: duplicate key "a" in images (it is already there in line 6, column 3)`, nil},
		{"a reference that is too long", "version: 1\nname: f\nregistry: r.example/" + strings.Repeat("f", 240) + "\ntag: t\nimages: {abcdefghijklmnopq: {from: scratch}}\n",
			`f.yaml:5:10: r.example/` + strings.Repeat("f", 240) + `/abcdefghijklmnopq is no valid reference: repository name must not be more than 255 characters`, nil},
		{"a family with a slash", "version: 1\nname: a/b\nregistry: r\ntag: t\n" + images, `f.yaml:2:7: "a/b" is no name for a family: use small letters, digits, '-', '_' and '.'`, nil},
		{"a registry with a scheme", "version: 1\nname: f\nregistry: https://r.example/f\ntag: t\n" + images,
			`f.yaml:3:11: registry: "https://r.example/f" is not a registry and a path that images can be published under (leave out https://)`, nil},
		{"a registry with a tag", "version: 1\nname: f\nregistry: r.example/f:1\ntag: t\n" + images,
			`f.yaml:3:11: registry: "r.example/f:1" is not a registry and a path that images can be published under (such as "docker.io/example")`, nil},
		{"a registry with a digest", "version: 1\nname: f\nregistry: r.example/f@sha256:" + strings.Repeat("0", 64) + "\ntag: t\n" + images,
			`f.yaml:3:11: registry: "r.example/f@sha256:` + strings.Repeat("0", 64) + `" is not a registry and a path that images can be published under (such as "docker.io/example")`, nil},
		{"a registry that ends in a slash", "version: 1\nname: f\nregistry: r.example/f/\ntag: t\n" + images,
			`f.yaml:3:11: registry: "r.example/f/" is not a registry and a path that images can be published under (such as "docker.io/example")`, nil},
		{"a tag with a space", "version: 1\nname: f\nregistry: r\ntag: a b\n" + images,
			`f.yaml:4:6: tag: "a b" is no tag (use letters, digits, '_', '.' and '-', 128 of them at most, and begin with no '.' or '-')`, nil},

		{"port 0", head + "images: {a: {from: scratch, ports: [\"0\"]}}\n", `f.yaml:5:37: "0" is no port (a number from 1 to 65535, such as "80" or "53/udp")`, nil},
		{"port 65536", head + "images: {a: {from: scratch, ports: [65536/tcp]}}\n", `f.yaml:5:37: "65536/tcp" is no port (a number from 1 to 65535, such as "80" or "53/udp")`, nil},
		{"a port of another protocol", head + "images: {a: {from: scratch, ports: [80/http]}}\n", `f.yaml:5:37: "80/http" is no port (a number from 1 to 65535, such as "80" or "53/udp")`, nil},
		{"a relative volume", head + "images: {a: {from: scratch, volumes: [var]}}\n", `f.yaml:5:39: the volume "var" is not absolute (it is a path in the image, from the root)`, nil},
		{"a volume with dots", head + "images: {a: {from: scratch, volumes: [/a/../b]}}\n",
			`f.yaml:5:39: the volume "/a/../b" is not plain: it has an empty part, "." or ".." (it is a path in the image, from the root)`, nil},
		{"a volume that is two slashes", head + "images: {a: {from: scratch, volumes: [//]}}\n",
			`f.yaml:5:39: the volume "//" is not plain: it has an empty part, "." or ".." (it is a path in the image, from the root)`, nil},
		{"a user with a space", head + "images: {a: {from: scratch, user: a b}}\n", `f.yaml:5:35: "a b" is no user`, nil},
		{"a label with a space", head + "images: {a: {from: scratch, labels: {a b: c}}}\n", `f.yaml:5:38: "a b" is no name for a label`, nil},
		{"a variable of an image that no shell can set", head + "images: {a: {from: scratch, env: {a.b: c}}}\n",
			`f.yaml:5:35: "a.b" is no name for a variable (use letters, digits and _, and begin with no digit)`, nil},

		{"a package that is a command", step(`yum: {packages: [vim, "x; touch /pwned"]}`), `f.yaml:8:38: "x; touch /pwned" is no name for a package`, nil},
		{"a package that is an option", step(`apt: {packages: [--force-yes]}`), `f.yaml:8:33: "--force-yes" is no name for a package`, nil},
		{"a package that apt would remove", step(`apt: {packages: [python3, vim-]}`), `f.yaml:8:42: "vim-" is no name for a package (apt-get removes a package when a '-' is behind its name; there is the key remove for that)`, nil},
		{"a version that apt would remove", step(`apt: {packages: [vim=1-]}`), `f.yaml:8:33: "vim=1-" is no name for a package (apt-get removes a package when a '-' is behind its name; there is the key remove for that)`, nil},
		{"a task", step(`apt: {packages: [lamp-server^]}`), `f.yaml:8:33: "lamp-server^" is no name for a package (name the packages of the task)`, nil},
		{"a group for apt", step(`apt: {packages: ["@x"]}`), `f.yaml:8:33: "@x" is no name for a package`, nil},
		{"a module", step(`dnf: {packages: ["@nodejs:12/minimal"]}`), `f.yaml:8:33: "@nodejs:12/minimal" is no name for a package (enable the stream of the module nodejs with the key module, and name its packages)`, nil},
		{"a package that apk keeps out", step(`apk: {packages: ["!curl"]}`), `f.yaml:8:33: "!curl" is no name for a package (apk keeps a package out when a '!' is before its name; do that in a run step)`, nil},
		{"a file for apk", step(`apk: {packages: [curl.apk]}`), `f.yaml:8:33: "curl.apk" is no name for a package (install the file of a package in a run step)`, nil},
		{"a file for apk below another name", step(`apk: {packages: [a.apk-b]}`), `f.yaml:8:33: "a.apk-b" is no name for a package (install the file of a package in a run step)`, nil},
		{"an option for apk", step(`apk: {packages: [--allow-untrusted]}`), `f.yaml:8:33: "--allow-untrusted" is no name for a package`, nil},
		{"a tag behind a version", step(`apk: {packages: [curl=1@edge]}`), `f.yaml:8:33: "curl=1@edge" is no name for a package (write NAME@TAG=VERSION)`, nil},
		{"a digest for apk", step(`apk: {packages: ["curl><Q12l"]}`), `f.yaml:8:33: "curl><Q12l" is no name for a package`, nil},
		{"a package for apk that is a command", step(`apk: {packages: ["a;b"]}`), `f.yaml:8:33: "a;b" is no name for a package`, nil},
		{"a module without a stream", step(`dnf: {module: [nodejs]}`), `f.yaml:8:31: "nodejs" is no module and stream, NAME:STREAM`, nil},
		{"a module with a profile", step(`dnf: {module: ["nodejs:20/minimal"]}`), `f.yaml:8:31: "nodejs:20/minimal" is no module and stream, NAME:STREAM`, nil},
		{"a package to leave out that is an option", step(`yum: {update: true, exclude: [--nogpgcheck]}`), `f.yaml:8:46: "--nogpgcheck" is no name for a package`, nil},
		{"repositories in one string", step(`dnf: {update: true, enablerepo: ["a,b"]}`), `f.yaml:8:49: "a,b" is no id for a repository`, nil},
		{"all repositories", step(`dnf: {update: true, enablerepo: ["*"]}`), `f.yaml:8:49: "*" is no id for a repository`, nil},
		{"all packages to remove", step(`dnf: {remove: ["*"]}`), `f.yaml:8:31: "*" is no name of an installed package`, nil},
		{"a file to remove", step(`yum: {remove: [/usr/bin/vim]}`), `f.yaml:8:31: "/usr/bin/vim" is no name of an installed package`, nil},
		{"a package to remove that apt would install", step(`apt: {remove: [vim+]}`), `f.yaml:8:31: "vim+" is no name of an installed package`, nil},
		{"a version to remove", step(`apk: {remove: [curl=1]}`), `f.yaml:8:31: "curl=1" is no name of an installed package`, nil},
		{"a package that is installed and removed", step(`dnf: {packages: [vim, gcc], remove: [gcc]}`), `f.yaml:8:53: the step both installs and removes "gcc" (leave it out of one of the two lists)`, nil},
		{"another way to write it for apt", step(`apt: {packages: [gcc=1], remove: ["gcc:amd64"]}`), `f.yaml:8:50: the step both installs and removes "gcc:amd64" (leave it out of one of the two lists)`, nil},
		{"another way to write it for apk", step(`apk: {packages: ["gcc~14"], remove: [gcc]}`), `f.yaml:8:53: the step both installs and removes "gcc" (leave it out of one of the two lists)`, nil},
		{"a package of at least a version", step(`yum: {packages: ["vim>=8"]}`), `f.yaml:8:33: "vim>=8" is no name for a package (write NAME-VERSION)`, nil},
		{"files of packages with a placeholder", step(`yum: {packages: ["/usr/bin/vi*"]}`), `f.yaml:8:33: "/usr/bin/vi*" is no name for a package (placeholders are for names of packages)`, nil},
		{"a package without a name", head + "variables: {p: {default: \"\"}}\nimages: {a: {from: scratch, steps: [apt: {packages: [\"${{ p }}\"]}]}}\n",
			`f.yaml:6:54: "" is no name for a package`, nil},
		{"a package from a variable that is a command", head + "variables: {p: {default: \"$(touch pwned)\"}}\nimages: {a: {from: scratch, steps: [dnf: {packages: [\"${{ p }}\"]}]}}\n",
			`f.yaml:6:54: "$(touch pwned)" is no name for a package`, nil},
		{"a group that is an option", step(`yum: {groups: [-x]}`), `f.yaml:8:31: "-x" is no name for a group of packages`, nil},
		{"a repo that is no URL", step(`repo: {url: file.repo, to: /r}`), `f.yaml:8:28: "file.repo" is no URL to fetch a file from (write https://HOST/PATH)`, nil},
		{"a digest that is none", step(`repo: {url: "http://h/r", to: /r, sha256: abc}`), `f.yaml:8:58: "abc" is no SHA-256 digest: it has 64 digits from 0 to f`, nil},
		{"a repo with a line too many", step(`repo: {id: r, to: /r, baseurl: "http://h\ngpgcheck=0"}`), `f.yaml:8:47: a value of a repository file is one line, and this has several`, nil},
		{"an empty key", head + "variables: {key: {default: \"\"}}\nimages: {a: {from: scratch, steps: [repo: {id: r, to: /r, baseurl: \"http://h\", gpgkey: \"${{ key }}\"}]}}\n",
			`f.yaml:6:88: gpgkey of repo is empty (leave out the key where there is nothing to say)`, nil},
		{"an empty script", head + "variables: {s: {default: \"\"}}\nimages: {a: {from: scratch, steps: [run: \"${{ s }}\"]}}\n", `f.yaml:6:42: script of run is empty`, nil},
		{"an empty program", head + "variables: {s: {default: \"\"}}\nimages: {a: {from: scratch, command: [\"${{ s }}\", b]}}\n", `f.yaml:6:39: without an entrypoint, the first word of a command is empty`, nil},
		{"a repo with an id that is none", step(`repo: {id: "r]", to: /r, baseurl: "http://h"}`), `f.yaml:8:27: "r]" is no id for a repository`, nil},
		{"a lens that is a path", step(`lens: ../x.aug`), `f.yaml:8:22: "../x.aug" is no lens, which is a file called NAME.aug`, nil},
		{"a lens that is missing", step(`lens: x.aug`), `f.yaml:8:22: there is no lens called "x.aug" (put it beside the spec, or use a built-in one: pulpconf.aug)`, nil},
		{"an unknown helper", step(`helpers: [confg]`), `f.yaml:8:26: there is no helper called "confg" (did you mean "config"?)`, nil},
		{"an asset that is missing", step(`files: {from: x, to: /x}`), `f.yaml:8:30: "x" cannot be copied: there is no such file in the spec's folder`, nil},
		{"an absolute asset", step(`files: {from: /etc/passwd, to: /x}`), `f.yaml:8:30: "/etc/passwd" is outside the spec's folder (name a file in the folder of the spec)`, nil},
		{"an asset of the folder above", step(`files: {from: a/../../x, to: /x}`), `f.yaml:8:30: "a/../../x" is outside the spec's folder (name a file in the folder of the spec)`, nil},
		{"a relative destination", step(`files: {from: ., to: x}`), `f.yaml:8:37: the destination "x" is not absolute (it is a path in the image, from the root)`, nil},
		{"a mode that is none", step(`files: {from: ., to: /x, mode: "0999"}`), `f.yaml:8:47: "0999" is no file mode (such as "0644")`, nil},
		{"a mode of too many bits", step(`files: {from: ., to: /x, mode: 010000}`), `f.yaml:8:47: "010000" is no file mode (such as "0644")`, nil},
		{"an image of too many layers", head + "images: {a: {from: scratch, steps: [" + lines(126, "{run: a},") + "]}, b: {from: a}}\n",
			`f.yaml:5:10: a would have 126 layers, one for each step, inherited ones included, and docker pulls no image with more than 125 (join some of its steps)`, nil},
		{"an image that inherits too many layers", head + "images:\n  a: {from: b, steps: [{run: a}]}\n  b: {from: scratch, steps: [" + lines(125, "{run: a},") + "]}\n",
			`f.yaml:6:3: a would have 126 layers, one for each step, inherited ones included, and docker pulls no image with more than 125 (join some of its steps)`, nil},
		{"a start script too many", head + "images:\n  a: {from: b, start: {command: [c]}}\n  b: {from: scratch, steps: [helpers: [exec], " + lines(124, "{run: a},") + "]}\n",
			`f.yaml:6:3: a would have 126 layers, one for each step, inherited ones included, and docker pulls no image with more than 125 (join some of its steps)`, nil},
		{"a secret that is a path", step(`run: {script: x, secrets: [a/b]}`), `f.yaml:8:43: "a/b" is no id for a secret`, nil},

		{"settings with a lens that is none", head + "settings: {s: {file: /f, lens: l}}\n" + images, `f.yaml:5:32: "l" is no lens, which is a file called NAME.aug`, nil},
		{"a setting without a section", head + "settings: {s: {file: /f, lens: l.aug, set: {k: v}}}\n" + images, `f.yaml:5:45: "k" names no setting (write SECTION/KEY)`, nil},
		{"a setting that means something to Augeas", head + "settings: {s: {file: /f, lens: l.aug, set: {\"a']/k\": v}}}\n" + images,
			`f.yaml:5:45: "a']/k" names no setting (write SECTION/KEY)`, nil},
		{"settings that are an option", head + "settings: {-s: {file: /f, lens: l.aug}}\n" + images,
			`f.yaml:5:12: "-s" is no name for settings or a service (use letters, digits, '-', '_' and '.')`, nil},
		{"a service without a protocol", head + "services: {s: {url: \"h:1\"}}\n" + images, `f.yaml:5:21: "h:1" is no URL (such as tcp://HOST:PORT)`, nil},
		{"a service without a port", head + "services: {s: {url: \"tcp://h\"}}\n" + images, `f.yaml:5:21: the URL cannot be used: it names no port (it is tcp://HOST:PORT)`, nil},
		{"a secret with a default", head + "environment: {P: {secret: true, default: hunter2}}\n" + images,
			`f.yaml:5:15: P is secret, and its default is not: it would be in the image (leave the default out and give containers the value; one that everybody may know is the default of a variable that is not secret)`, nil},
		{"a password of a service", head + "services: {s: {url: \"amqp://u:hunter2@h\"}}\n" + images, `f.yaml:5:21: ` + inService, nil},
		{"a password of a service whose host is a variable", head + "environment: {H: {}}\nservices: {s: {url: \"redis://:hunter2@${H}\"}}\n" + images, `f.yaml:6:21: ` + inService, nil},
		{"a password among the options of a service", head + "services: {s: {url: \"postgres://h/db?sslmode=require&password=hunter2\"}}\n" + images, `f.yaml:5:21: ` + inService, nil},
		{"a password of a service from a variable of the spec", head + "variables: {p: {default: hunter2}}\nservices: {s: {url: \"amqp://u:${{ p }}@h\"}}\n" + images, `f.yaml:6:21: ` + inService, nil},
		{"a service at no host", head + "environment: {P: {}}\nservices: {s: {url: \"amqp://u:${P}@:${P}\"}}\n" + images,
			`f.yaml:6:21: the URL cannot be used: it names no host (it is amqp://HOST:PORT)`, nil},
		{"a service of an unknown protocol", head + "services: {s: {url: \"mongo://h:1\"}}\n" + images,
			`f.yaml:5:21: pulp-helper cannot wait for a service with the protocol "mongo" (did you mean "mongodb"?)`, nil},

		{"a start that configures what is not declared", started("settings: {pulp: {file: /f, lens: l.aug}}\n", "{configure: [plup], command: [c]}"),
			`f.yaml:10:25: "plup" is not declared under settings (did you mean "pulp"?)`, nil},
		{"a start that waits for what is not declared", started("", "{wait: [db], command: [c]}"), `f.yaml:9:20: "db" is not declared under services`, nil},
		{"a start that requires what is not declared", started("environment: {A: {}}\n", "{require: {variables: [B]}, command: [c]}"),
			`f.yaml:10:35: "B" is not declared under environment (there is A)`, nil},
		{"a start that uses what is not declared", started("", `{command: [c, "--x=${X}"]}`), `f.yaml:9:31: the variable "X" is not declared under environment`, nil},
		{"a secret in a command", started("environment: {P: {secret: true}, Q: {default: \"x${P}\"}}\n", `{command: [c, "${Q}"]}`),
			`f.yaml:10:26: Q is secret, and a command line is for everybody to see (the process finds it in its environment)`, nil},
		{"a start with a umask that is none", started("", "{umask: 8, command: [c]}"), `f.yaml:9:20: "8" is no umask: write three digits from 0 to 7`, nil},
		{"a start without its helper", head + "services: {s: {url: \"tcp://h:1\"}}\nimages:\n  base: {from: scratch, steps: [helpers: [config]]}\n  a: {from: base, start: {wait: [s], command: [c]}}\n",
			`f.yaml:8:34: starting a needs the helper "wait", which the image does not have (add a step to base: helpers: [wait])`, nil},
		{"a start without any helper", head + "images: {a: {from: scratch, start: {command: [c]}}}\n",
			`f.yaml:5:47: starting a needs the helper "exec", which the image does not have (add a step to a: helpers: [exec])`, nil},

		{"a start of itself", started("", "{command: [/usr/share/pulpimg/start]}"),
			`f.yaml:9:23: /usr/share/pulpimg/start is the start script itself, which would start itself for ever (name the program that it shall become)`, nil},
		{"an init that is the start", started("", "{init: [[/usr/share/pulpimg/start]], command: [c]}"),
			`f.yaml:9:21: /usr/share/pulpimg/start is the start script itself, which would start itself for ever (name the program that it shall become)`, nil},
		{"a start as somebody whom the image's user cannot become", head + "images: {a: {from: scratch, user: \"app:app\", steps: [helpers: [exec]], start: {user: apache, command: [c]}}}\n",
			`f.yaml:5:86: the image starts as app:app, which cannot become apache (let the image's user be root, or leave this out)`, nil},
		{"the same with an inherited user", head + "images:\n  b: {from: scratch, user: app, steps: [helpers: [exec]]}\n  a: {from: b, start: {user: apache, command: [c]}}\n",
			`f.yaml:7:30: the image starts as app, which cannot become apache (let the image's user be root, or leave this out)`, nil},
		{"a file in the place of the start script", step(`repo: {id: r, to: /usr/share/pulpimg/start, baseurl: "http://h"}`), reserved("34", "/usr/share/pulpimg/start"), nil},
		{"a fetched file in the place of the contract", step(`repo: {url: "http://h/r", to: /usr/share/pulpimg/contract.json}`), reserved("46", "/usr/share/pulpimg/contract.json"), nil},
		{"a file in the place of the directory of these", step(`repo: {id: r, to: /usr/share/pulpimg, baseurl: "http://h"}`), reserved("34", "/usr/share/pulpimg"), nil},
		{"a PATH with a dollar", head + "images: {a: {from: scratch, env: {PATH: \"$PATH:/opt/bin\"}}}\n",
			`f.yaml:5:41: $PATH without braces is not a variable: the value of PATH would contain these characters (write ${PATH})`, nil},
		{"another variable in PATH", head + "images: {a: {from: scratch, env: {PATH: \"/bin:$HOME/bin\"}}}\n",
			`f.yaml:5:41: $HOME without braces is not a variable: the value of PATH would contain these characters (write ${HOME})`, nil},
		{"a variable in itself", head + "images: {a: {from: scratch, env: {LD_LIBRARY_PATH: \"/x:$LD_LIBRARY_PATH\"}}}\n",
			`f.yaml:5:52: $LD_LIBRARY_PATH without braces is not a variable: the value of LD_LIBRARY_PATH would contain these characters (write ${LD_LIBRARY_PATH})`, nil},
		{"an expression in a variable of an image", head + "images: {a: {from: scratch, env: {A: \"${B:-c}\"}}}\n",
			`f.yaml:5:39: only a name goes between ${ and }, not "B:-c" (defaults go under environment)`, nil},

		{"several mistakes", head + "images:\n  a: {from: b, user: a b}\n  b: {from: a, volumes: [v], steps: [lens: x]}\n",
			`f.yaml:6:13: the images are based on each other in a cycle: a -> b -> a (base one of them on an image from outside)
f.yaml:6:22: "a b" is no user
f.yaml:7:26: the volume "v" is not absolute (it is a path in the image, from the root)
f.yaml:7:44: "x" is no lens, which is a file called NAME.aug`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, test.yaml, family.Options{Variables: test.variables})
			if err == nil {
				t.Fatalf("no error, want %s", test.want)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var all spec.Errors
			if !errors.As(err, &all) {
				t.Errorf("the error is a %T, want spec.Errors", err)
			}
		})
	}
}

func TestResolve_wrongOverrides(t *testing.T) {
	for _, test := range []struct {
		name    string
		options family.Options
		want    string
	}{
		{"a registry that is none", family.Options{Registries: []string{"a b"}},
			`f.yaml:3:11: override of registry: "a b" is not a registry and a path that images can be published under (such as "docker.io/example")`},
		{"a tag that is none", family.Options{Tags: []string{".x"}},
			`f.yaml:4:6: override of tag: ".x" is no tag (use letters, digits, '_', '.' and '-', 128 of them at most, and begin with no '.' or '-')`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, head+images, test.options)
			var all spec.Errors
			if !errors.As(err, &all) || err.Error() != test.want {
				t.Errorf("the error is a %T: %v, want %s", err, err, test.want)
			}
		})
	}
}
