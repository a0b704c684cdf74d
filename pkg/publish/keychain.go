package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pulpimg/pulpimg/pkg/registries"
)

// CredentialsFileError reports that a file, or the environment variable DOCKER_AUTH_CONFIG, does not hold credentials in the right form, or
// that a credential helper that it names failed.
type CredentialsFileError struct {
	File string
	Err  error
}

func (e *CredentialsFileError) Error() string {
	return fmt.Sprintf("reading the credentials for registries in %s: %v", e.File, e.Err)
}

// Unwrap gives what is wrong with the file.
func (e *CredentialsFileError) Unwrap() error { return e.Err }

// Keychain finds credentials where docker and podman keep them: in these files, and with the credential helpers that they name. The first
// file that has credentials for a registry counts.
//
//  1. the file of $REGISTRY_AUTH_FILE
//  2. the environment variable DOCKER_AUTH_CONFIG
//  3. $DOCKER_CONFIG/config.json, or else ~/.docker/config.json
//  4. $XDG_RUNTIME_DIR/containers/auth.json
//  5. $XDG_CONFIG_HOME/containers/auth.json, or else ~/.config/containers/auth.json
//
// Each file is read once, when it is first needed. A Keychain may be used by several goroutines at a time.
type Keychain struct {
	getenv func(string) string
	load   func() ([]*configfile.ConfigFile, error)
	helper sync.Mutex // some helpers cannot be asked twice at a time
}

// NewKeychain makes a Keychain for an environment.
func NewKeychain(getenv func(string) string) *Keychain {
	k := &Keychain{getenv: getenv}
	k.load = sync.OnceValues(k.readAll)
	return k
}

// files reads the files. The zero value of a Keychain has none.
func (k *Keychain) files() ([]*configfile.ConfigFile, error) {
	if k.load == nil {
		return nil, nil
	}
	return k.load()
}

// Check reads the files, and reports the first that is damaged.
func (k *Keychain) Check() error {
	_, err := k.files()
	return err
}

// Resolve implements [authn.Keychain].
func (k *Keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext implements [authn.ContextKeychain].
func (k *Keychain) ResolveContext(_ context.Context, target authn.Resource) (authn.Authenticator, error) {
	files, err := k.files()
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		found, err := k.find(f, target)
		if err != nil {
			return nil, &CredentialsFileError{File: f.Filename, Err: err}
		}
		if found != (authn.AuthConfig{}) {
			return authn.FromConfig(found), nil
		}
	}
	return authn.Anonymous, nil
}

// find looks for credentials in one file. Podman's may be for a namespace or a repository: the longest name that fits counts.
// https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
func (k *Keychain) find(f *configfile.ConfigFile, target authn.Resource) (authn.AuthConfig, error) {
	var none authn.AuthConfig
	host := target.RegistryStr()
	hosts := hostNames(host)
	for path := strings.TrimPrefix(target.String(), host); path != ""; path = path[:strings.LastIndexByte(path, '/')] {
		for _, h := range hosts {
			if found := authConfig(f.AuthConfigs[h+path]); found != none {
				return found, nil
			}
		}
	}
	helper, known := helperFor(f, host, hosts)
	if found, err := k.ask(f, helper, known); err != nil || found != none {
		return found, err
	}
	for _, key := range slices.Sorted(maps.Keys(f.AuthConfigs)) {
		if found := authConfig(f.AuthConfigs[key]); found != none && slices.Contains(hosts, hostOf(key)) {
			return found, nil
		}
	}
	return none, nil
}

// helperFor returns the credential helper for a registry, which may be none, and the name by which it knows the registry.
func helperFor(f *configfile.ConfigFile, host string, hosts []string) (helper, known string) {
	for _, key := range slices.Sorted(maps.Keys(f.CredentialHelpers)) {
		if slices.Contains(hosts, hostOf(key)) {
			return f.CredentialHelpers[key], key
		}
	}
	if host == name.DefaultRegistry {
		host = authn.DefaultAuthKey // what docker stores Docker Hub under
	}
	return f.CredentialsStore, host
}

// ask asks a credential helper, if there is one, about a registry.
func (k *Keychain) ask(f *configfile.ConfigFile, helper, registry string) (authn.AuthConfig, error) {
	if helper == "" {
		return authn.AuthConfig{}, nil
	}
	k.helper.Lock()
	defer k.helper.Unlock()
	found, err := credentials.NewNativeStore(f, helper).Get(registry)
	return authConfig(found), err
}

// hostNames returns what a registry may be called in a file, as hostOf returns it.
func hostNames(host string) []string {
	if host == name.DefaultRegistry {
		return []string{"docker.io", host, "registry-1.docker.io"}
	}
	return []string{registries.CanonicalHost("https", host)}
}

// hostOf returns the registry that a key of a file is for, and "" if it is for a part of one. Old versions of docker wrote addresses such
// as https://HOST/v1/.
func hostOf(key string) string {
	_, rest, isAddress := strings.Cut(key, "://")
	if !isAddress {
		rest = key
	}
	host, path, _ := strings.Cut(rest, "/")
	switch strings.Trim(path, "/") {
	case "", "v1", "v2":
		return registries.CanonicalHost("https", host)
	}
	return ""
}

func authConfig(c types.AuthConfig) authn.AuthConfig {
	return authn.AuthConfig{
		Username: c.Username, Password: c.Password, Auth: c.Auth, IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken,
	}
}

// readAll reads the files that there are, in their order.
func (k *Keychain) readAll() ([]*configfile.ConfigFile, error) {
	var files []*configfile.ConfigFile
	if file := k.getenv("REGISTRY_AUTH_FILE"); file != "" {
		f, err := readCredentials(file)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if text := k.getenv(configfile.DockerEnvConfigKey); text != "" {
		f, err := parseCredentials("$"+configfile.DockerEnvConfigKey, []byte(text))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	for _, file := range k.places() {
		f, err := readCredentials(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// places are where docker and podman keep credentials when they are not told otherwise.
func (k *Keychain) places() []string {
	var places []string
	add := func(dir string, rest ...string) {
		if dir != "" {
			places = append(places, filepath.Join(append([]string{dir}, rest...)...))
		}
	}
	home := k.getenv("HOME")
	if dir := k.getenv("DOCKER_CONFIG"); dir != "" {
		add(dir, config.ConfigFileName)
	} else {
		add(home, ".docker", config.ConfigFileName)
	}
	add(k.getenv("XDG_RUNTIME_DIR"), "containers", "auth.json")
	if dir := k.getenv("XDG_CONFIG_HOME"); dir != "" {
		add(dir, "containers", "auth.json")
	} else {
		add(home, ".config", "containers", "auth.json")
	}
	return places
}

func readCredentials(file string) (*configfile.ConfigFile, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err // the error names the file already
		}
		return nil, &CredentialsFileError{File: file, Err: err}
	}
	return parseCredentials(file, data)
}

// parseCredentials reads the contents of a file of docker or podman.
func parseCredentials(file string, data []byte) (*configfile.ConfigFile, error) {
	f, err := config.LoadFromReader(bytes.NewReader(data))
	if err != nil {
		return nil, &CredentialsFileError{File: file, Err: err}
	}
	f.Filename = file
	return f, nil
}
