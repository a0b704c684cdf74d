package registrytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	issuer  = "registrytest"
	service = "registry"
	keyID   = "only"
)

// TokenServer hands out tokens for what they are asked for: https://distribution.github.io/distribution/spec/auth/token/
type TokenServer struct {
	User, Password string
	// Life is how long tokens are good for, in seconds.
	Life int

	key *ecdsa.PrivateKey

	mu     sync.Mutex
	scopes []string
}

// NewTokenServer makes a server that knows one user.
func NewTokenServer(t testing.TB, user, password string) *TokenServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &TokenServer{User: user, Password: password, Life: 300, key: key}
}

// Trusted configures a registry to take the server's tokens. The realm is where clients find the server.
func (s *TokenServer) Trusted(realm string) Option {
	return func(t testing.TB, c *configuration.Configuration) {
		t.Helper()
		keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: s.key.Public(), KeyID: keyID, Algorithm: string(jose.ES256), Use: "sig"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "keys.json")
		if err := os.WriteFile(file, keys, 0o600); err != nil {
			t.Fatal(err)
		}
		c.Auth = configuration.Auth{"token": {
			"realm": realm, "service": service, "issuer": issuer, "jwks": file,
			"signingalgorithms": []any{string(jose.ES256)},
		}}
	}
}

// Scopes gives the scopes that tokens were asked for, one line per token.
func (s *TokenServer) Scopes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.scopes...)
}

type accessClaim struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// ServeHTTP implements [http.Handler].
func (s *TokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != s.User || password != s.Password {
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}`, http.StatusUnauthorized)
		return
	}
	scopes := r.URL.Query()["scope"]
	s.mu.Lock()
	s.scopes = append(s.scopes, strings.Join(scopes, " "))
	s.mu.Unlock()
	token, err := s.sign(scopes)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": s.Life})
}

func (s *TokenServer) sign(scopes []string) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: s.key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keyID))
	if err != nil {
		return "", err
	}
	var access []accessClaim
	for _, scope := range scopes {
		parts := strings.SplitN(scope, ":", 3)
		access = append(access, accessClaim{Type: parts[0], Name: parts[1], Actions: strings.Split(parts[2], ",")})
	}
	now := time.Now()
	return jwt.Signed(signer).
		Claims(jwt.Claims{
			Issuer: issuer, Subject: s.User, Audience: jwt.Audience{service},
			Expiry: jwt.NewNumericDate(now.Add(time.Hour)), NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), IssuedAt: jwt.NewNumericDate(now),
		}).
		Claims(map[string]any{"access": access}).
		Serialize()
}
