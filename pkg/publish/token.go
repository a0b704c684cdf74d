package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

const (
	// defaultTokenLife is how long a token is valid if its server does not say:
	// https://distribution.github.io/distribution/spec/auth/token/#token-response-fields
	defaultTokenLife = time.Minute
	// maxToken is how much of a token server's answer is read.
	maxToken = 1 << 20
)

type token struct {
	value   string
	refresh time.Time
}

// exchange gets a token from the challenge's token server for the user's credentials.
func (a *access) exchange(ctx context.Context, scopes []string) (token, error) {
	realm, err := url.Parse(a.challenge.realm)
	if err != nil || realm.Host == "" {
		return token{}, fmt.Errorf("registry %s names %q as its token server, which is not an address", a.repository.Registry, a.challenge.realm)
	}
	if a.scheme == "https" && realm.Scheme != "https" {
		return token{}, &PlainHTTPError{Host: realm.Host, Lowered: true}
	}
	asked := time.Now()
	var body []byte
	_, err = a.repeat.do(ctx, func(int) (_ *http.Response, err error) {
		body, err = a.askTokenServer(ctx, realm, scopes)
		return nil, err
	})
	if err != nil {
		return token{}, err
	}
	return parseToken(body, asked)
}

// askTokenServer asks as https://distribution.github.io/distribution/spec/auth/oauth/ says if the credentials are an identity token and the
// server supports that, and otherwise as https://distribution.github.io/distribution/spec/auth/token/ says.
func (a *access) askTokenServer(ctx context.Context, realm *url.URL, scopes []string) ([]byte, error) {
	if a.config.IdentityToken != "" {
		body, err := a.sendToTokenServer(ctx, func() (*http.Request, error) { return a.refreshRequest(ctx, realm, scopes) })
		var status *transport.Error
		if !errors.As(err, &status) || status.StatusCode != http.StatusNotFound && status.StatusCode != http.StatusMethodNotAllowed {
			return body, err
		}
	}
	return a.sendToTokenServer(ctx, func() (*http.Request, error) { return a.tokenRequest(ctx, realm, scopes) })
}

func (a *access) tokenRequest(ctx context.Context, realm *url.URL, scopes []string) (*http.Request, error) {
	u := *realm
	q := u.Query()
	q["scope"] = scopes
	if a.challenge.service != "" {
		q.Set("service", a.challenge.service)
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if basic := a.basic(); basic != "" {
		req.Header.Set("Authorization", basic)
	}
	return req, nil
}

func (a *access) refreshRequest(ctx context.Context, realm *url.URL, scopes []string) (*http.Request, error) {
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {a.config.IdentityToken},
		"client_id": {userAgent}, "scope": {strings.Join(scopes, " ")},
	}
	if a.challenge.service != "" {
		form.Set("service", a.challenge.service)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}

func (a *access) sendToTokenServer(ctx context.Context, request func() (*http.Request, error)) ([]byte, error) {
	req, err := request()
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: a.transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if req.ContentLength != 0 && !sameHost(req.URL, via[0].URL) {
			return fmt.Errorf("the token server leads to %s, which would get the credentials", req.URL.Host)
		}
		return keepCredentials(req, via)
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer finish(resp)
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxToken))
}

// parseToken reads a token server's answer. The token's life begins at the time of the request.
func parseToken(body []byte, asked time.Time) (token, error) {
	var answer struct {
		Token       string      `json:"token"`
		AccessToken string      `json:"access_token"` // what OAuth 2.0 calls it; servers give either
		ExpiresIn   json.Number `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return token{}, fmt.Errorf("the token server's answer is no token: %w", err)
	}
	t := token{value: answer.AccessToken}
	if t.value == "" {
		t.value = answer.Token
	}
	if t.value == "" || strings.ContainsFunc(t.value, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return token{}, errors.New("the token server's answer has no token")
	}
	life := defaultTokenLife
	if seconds, err := answer.ExpiresIn.Float64(); err == nil && seconds > 0 {
		life = time.Duration(min(seconds, maxTokenLife.Seconds()) * float64(time.Second))
	}
	t.refresh = asked.Add(life * 3 / 4)
	return t, nil
}

// maxTokenLife bounds the life that a server names, so that a duration can hold it.
const maxTokenLife = 24 * time.Hour
