package build

import (
	"context"
	"strings"

	"github.com/moby/buildkit/session/secrets"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A secretStore has the credentials of Fetch steps, and the secrets of another store.
type secretStore struct {
	credentials map[string]string // Authorization headers
	trusted     []byte            // certificates of authorities
	others      secrets.SecretStore
}

// withCredentials adds the credentials of the URLs of a family, for each platform, and the certificates that commands are to trust, to a store, which may be nil.
func withCredentials(families []*family.Family, trusted []byte, others secrets.SecretStore) secretStore {
	store := secretStore{credentials: map[string]string{}, trusted: trusted, others: others}
	for _, f := range families {
		for _, image := range f.Images {
			for at, step := range image.Steps {
				if fetch, ok := step.(family.Fetch); ok && fetch.URL.Authorization() != "" {
					store.credentials[llb.CredentialsID(image, at)] = fetch.URL.Authorization()
				}
			}
		}
	}
	return store
}

// GetSecret implements secrets.SecretStore.
func (s secretStore) GetSecret(ctx context.Context, id string) ([]byte, error) {
	if header, ok := s.credentials[id]; ok {
		return []byte(header), nil
	}
	if id == llb.TrustedID {
		return s.trusted, nil
	}
	if s.others == nil || strings.HasPrefix(id, llb.AgainID) {
		return nil, secrets.ErrNotFound
	}
	return s.others.GetSecret(ctx, id)
}
