package build

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
)

// engineCredentials answers the engine's questions about the registries of bases. It remembers the answers, as some helpers take a second for each.
type engineCredentials struct {
	keychain authn.Keychain

	mu    sync.Mutex
	known map[string]engineCredential // by registry or repository
}

func newEngineCredentials(keychain authn.Keychain) *engineCredentials {
	return &engineCredentials{keychain: keychain, known: map[string]engineCredential{}}
}

// attachable returns what answers in the session of a build.
func (c *engineCredentials) attachable() session.Attachable {
	return authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: c.find})
}

type engineCredential struct {
	config types.AuthConfig
	at     time.Time
}

func (c *engineCredentials) find(ctx context.Context, host string, scopes []string, expired authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
	resource, err := engineResource(host, scopes)
	if err != nil {
		return types.AuthConfig{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := resource.String()
	if known, ok := c.known[key]; ok && (expired == nil || !expired(known.at, host)) {
		return known.config, nil
	}
	found, err := authn.Resolve(ctx, c.keychain, resource)
	if err != nil {
		return types.AuthConfig{}, err
	}
	config, err := authn.Authorization(ctx, found)
	if err != nil {
		return types.AuthConfig{}, err
	}
	answer := types.AuthConfig{
		ServerAddress: host, Username: config.Username, Password: config.Password, Auth: config.Auth,
		IdentityToken: config.IdentityToken, RegistryToken: config.RegistryToken,
	}
	c.known[key] = engineCredential{answer, time.Now()}
	return answer, nil
}

// engineResource returns what the engine asks about: the repository of the first scope, or the whole registry.
func engineResource(host string, scopes []string) (authn.Resource, error) {
	if host == authprovider.DockerHubRegistryHost {
		host = name.DefaultRegistry
	}
	in, err := name.NewRegistry(host)
	if err != nil {
		return nil, fmt.Errorf("looking up the credentials for %s: %w", host, err)
	}
	for _, scope := range scopes {
		if parts := strings.Split(scope, ":"); len(parts) == 3 && parts[0] == "repository" {
			return in.Repo(parts[1]), nil
		}
	}
	return in, nil
}
