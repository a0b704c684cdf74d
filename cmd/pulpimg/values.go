package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// values are the flags that give environment variables their values.
type values struct {
	env   []string
	files []string
}

func (v *values) flags(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&v.env, "env", "e", nil, "give a variable of the environment a value, `NAME=VALUE`, or NAME for that of this environment (may be repeated)")
	flags.StringArrayVar(&v.files, "env-file", nil, "read such lines from a `FILE`, as docker does (may be repeated)")
}

// read returns the values by name. What --env says comes before what files say, and what a later file says before what an earlier one says.
func (v *values) read(f *family.Family) (map[string]string, error) {
	out := map[string]string{}
	for _, file := range v.files {
		lines, err := readEnvFile(file)
		if err != nil {
			return nil, usageError{fmt.Errorf("--env-file %s: %w", file, err)}
		}
		maps.Copy(out, lines)
	}
	for _, assignment := range v.env {
		name, value, err := parseVariable(assignment)
		if err != nil {
			return nil, usageError{fmt.Errorf("--env: %w", err)}
		}
		out[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if err := checkVariable(f, name); err != nil {
			return nil, usageError{err}
		}
	}
	return out, nil
}

// readEnvFile reads NAME=VALUE lines. Nothing in them is quoted. It is not docker's own reader, package kvfile of docker/cli, because that
// shows values in its errors, and leaves out a variable that is not set here.
// https://docs.docker.com/reference/cli/docker/container/run/#env
func readEnvFile(name string) (map[string]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err) // the message has the name already
	}
	defer file.Close()
	out := map[string]string{}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, maxVariable+len("\r\n")+1)
	line := 1
	for ; scanner.Scan(); line++ {
		if !utf8.Valid(scanner.Bytes()) {
			return nil, fmt.Errorf("line %d is not UTF-8", line)
		}
		text := strings.TrimLeft(strings.TrimSuffix(scanner.Text(), "\r"), " \t")
		if line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		variable, value, err := parseVariable(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		out[variable] = value
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return nil, tooLong(fmt.Sprintf("line %d", line))
	}
	return out, scanner.Err()
}

// maxVariable is how many bytes NAME=VALUE may have. Linux allows 128 KiB with the NUL byte at the end.
// https://man7.org/linux/man-pages/man2/execve.2.html (search for MAX_ARG_STRLEN)
const maxVariable = 128<<10 - 1

func tooLong(what string) error {
	return fmt.Errorf("%s: more than %d bytes, which Linux gives no process as one variable", what, maxVariable)
}

// variableName is what a ConfigMap and a Compose file both take for the name of a variable, of no more than maxVariableName characters.
var variableName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`) })

// maxVariableName is how long a key of a ConfigMap may be.
// https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-object
const maxVariableName = 253

// parseVariable reads NAME=VALUE, or NAME for the value that this program has. The value never shows in an error: it may be a secret.
func parseVariable(assignment string) (name, value string, err error) {
	name, value, assigned := strings.Cut(assignment, "=")
	if !variableName().MatchString(name) {
		return "", "", errors.New("write NAME=VALUE, or NAME")
	}
	if len(name) > maxVariableName {
		return "", "", fmt.Errorf("the name of a variable has %d characters at most, and %s... has %d", maxVariableName, name[:20], len(name))
	}
	if !assigned {
		var ok bool
		if value, ok = os.LookupEnv(name); !ok {
			return "", "", fmt.Errorf("%s is not set here: write %s=VALUE", name, name)
		}
	}
	return name, value, checkValue(name, value)
}

// checkValue returns an error about a value that does not reach a process as it is: what starts containers reads it from JSON, YAML or its own
// environment.
func checkValue(name, value string) error {
	switch {
	case !utf8.ValidString(value):
		return fmt.Errorf("the value of %s is not UTF-8", name)
	case strings.Contains(value, "\x00"):
		return fmt.Errorf("the value of %s has a NUL byte in it, which ends a variable", name)
	case len(name)+len("=")+len(value) > maxVariable:
		return tooLong(name + " and its value")
	}
	return nil
}

// checkVariable returns an error about a name that is nearly one that the spec declares. Others are let through: a container may well read
// what pulpimg knows nothing of.
func checkVariable(f *family.Family, name string) error {
	var like []string
	for _, v := range f.Contract.Environment {
		if v.Name == name {
			return nil
		}
		if !differsByWords(name, v.Name) {
			like = append(like, v.Name)
		}
	}
	if near, ok := spec.Nearest(name, like); ok && !strings.HasPrefix(name, "PULPIMG_") {
		return fmt.Errorf("%s declares no variable %q under environment (did you mean %q?); if it is no typing error, declare it there", f.Spec.Filename, name, near)
	}
	return nil
}

// differsByWords reports whether two names have words that are usual in names of variables, or numbers, where they differ: one is no typing error of
// the other.
func differsByWords(name, other string) bool {
	words, others := strings.Split(strings.ToUpper(name), "_"), strings.Split(strings.ToUpper(other), "_")
	if len(words) != len(others) {
		return false
	}
	differ := false
	for i, word := range words {
		if word == others[i] {
			continue
		}
		if !isUsualWord(word) || !isUsualWord(others[i]) {
			return false
		}
		differ = true
	}
	return differ || words[len(words)-1] == "PROXY" // programs read http_proxy, HTTP_PROXY, or both
}

// isUsualWord reports whether a word, in capital letters, is a number or one of those that tell variables apart which are otherwise called the same,
// as in HTTPS_PROXY or DB_SERVICE_PORT.
func isUsualWord(word string) bool {
	switch word {
	case "ALL", "FTP", "HTTP", "HTTPS", "NO", "HOST", "PORT", "USER", "NAME", "PASSWORD", "PATH", "URL", "CERT", "KEY", "MIN", "MAX":
		return true
	}
	return word != "" && strings.Trim(word, "0123456789") == ""
}

// withHint says how to give a value to variables that have none, and files to secrets. A secret should not be on a command line: every user of a
// machine may read those. Another way to give one is the caller's to name.
func withHint(f *family.Family, err error, secretly string) error {
	var missing *family.MissingError
	if !errors.As(err, &missing) {
		return err
	}
	var hints []string
	if len(missing.Variables) > 0 {
		hint := fmt.Sprintf("give it with --env %s=VALUE, or --env-file", missing.Variables[0])
		for _, v := range f.Contract.Environment {
			if v.Secret && slices.Contains(missing.Variables, v.Name) {
				hint = fmt.Sprintf("set it in the environment and give --env %s, or use --env-file%s", v.Name, secretly)
				break
			}
		}
		hints = append(hints, hint)
	}
	if len(missing.Secrets) > 0 {
		hints = append(hints, fmt.Sprintf("give the file with --secret id=%s,src=FILE%s", missing.Secrets[0], secretly))
	}
	return fmt.Errorf("%w: %s", err, strings.Join(hints, "; "))
}

// warnOfIdle says which images have a key for what runs them, and nothing to run.
func warnOfIdle(con console, f *family.Family) {
	for _, image := range f.Images {
		if image.Declared.Kubernetes != nil && !image.Runs() && !image.Unpublished {
			fmt.Fprintf(con.err, "%s is left out: it has the key kubernetes, and no command of its own to run, in a start or without; commands are not inherited\n", image.Name)
		}
	}
}

// warnOfFiles says which files images require that nothing brings: whether one is in the image after all, only a container can tell.
func warnOfFiles(con console, images []*family.Image, mounted func(path string) bool) {
	for _, image := range images {
		if image.Start == nil {
			continue
		}
		for _, file := range image.Start.Files {
			isSecret := slices.ContainsFunc(image.Workload.Secrets, func(s family.Secret) bool { return s.Path == file })
			if !isSecret && !mounted(file) {
				fmt.Fprintf(con.err, "%s requires the file %s; nothing here mounts it\n", image.Name, file)
			}
		}
	}
}

// nothing is mounted by what has no place for files.
func nothing(string) bool { return false }
