package publish

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// challenge is the kind of authentication that a registry asks for. The zero value is that of a registry that asks for none.
type challenge struct {
	basic, bearer bool
	// realm is the address of the token server, and service what the registry is called there.
	realm, service string
}

// parseChallenge reads the challenge of a 401. Of several it takes the one for tokens.
func parseChallenge(h http.Header) (c challenge, ok bool) {
	for _, value := range h.Values("WWW-Authenticate") {
		for _, offer := range parseOffers(value) {
			switch {
			case strings.EqualFold(offer.scheme, "Bearer") && offer.parameters["realm"] != "":
				return challenge{bearer: true, realm: offer.parameters["realm"], service: offer.parameters["service"]}, true
			case strings.EqualFold(offer.scheme, "Basic"):
				c, ok = challenge{basic: true}, true
			}
		}
	}
	return c, ok
}

// offer is one way to authenticate that a server offers.
type offer struct {
	scheme     string
	parameters map[string]string // by names in lower case
}

// parseOffers reads the value of a WWW-Authenticate header: SCHEME NAME=VALUE, NAME="VALUE", SCHEME ...
// https://www.rfc-editor.org/rfc/rfc9110#field.www-authenticate
func parseOffers(s string) []offer {
	var offers []offer
	for {
		s = strings.TrimLeft(s, " \t,=") // an equals sign is the padding of what schemes like Negotiate send
		word, rest := cutToken(s)
		if word == "" {
			return offers
		}
		after, isParameter := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "=")
		if !isParameter || len(offers) == 0 {
			offers = append(offers, offer{word, map[string]string{}})
			s = rest
			continue
		}
		var value string
		value, s = cutValue(strings.TrimLeft(after, " \t"))
		offers[len(offers)-1].parameters[strings.ToLower(word)] = value
	}
}

// cutToken cuts a token off, which is empty if there is none.
func cutToken(s string) (token, rest string) {
	end := strings.IndexFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:]
}

// cutValue cuts off a token or a string in quotation marks.
func cutValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		return cutToken(s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i == len(s) {
				return b.String(), ""
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// fallbackDelay is how long to wait for an answer over HTTPS before plain HTTP is tried too, where that is allowed.
const fallbackDelay = 300 * time.Millisecond

// pong is a registry's answer to the first request.
type pong struct {
	scheme    string
	challenge challenge
	err       error
}

// ping asks a registry whether it is one. Where plain HTTP is allowed it is tried too, but HTTPS is preferred.
func ping(ctx context.Context, registry name.Registry, client *http.Client, plain bool) pong {
	if !plain {
		return pingOver(ctx, "https", registry, client)
	}
	ctx, cancel := context.WithCancel(ctx)
	secure, insecure := make(chan pong, 1), make(chan pong, 1)
	go func() { secure <- pingOver(ctx, "https", registry, client) }()
	delay := time.NewTimer(fallbackDelay)
	defer delay.Stop()
	var first pong
	answered := false
	select {
	case first = <-secure:
		answered = true
	case <-delay.C:
	}
	if answered && first.err == nil {
		cancel()
		return first
	}
	go func() { insecure <- pingOver(ctx, "http", registry, client) }()
	var second pong
	if answered {
		second = <-insecure
		cancel()
		return better(first, second)
	}
	select {
	case first = <-secure:
		if first.err == nil {
			cancel()
		}
		second = <-insecure
	case second = <-insecure:
		if second.err == nil {
			cancel()
		}
		first = <-secure
	}
	cancel()
	return better(first, second)
}

// better returns the answer to go on with: the one over HTTPS, or the one over plain HTTP.
func better(secure, insecure pong) pong {
	var status *transport.Error
	switch {
	case secure.err == nil:
		return secure
	case insecure.err == nil:
		return insecure
	case errors.As(insecure.err, &status) && !errors.Is(secure.err, http.ErrSchemeMismatch):
		return secure // a TLS server answers plain HTTP with such an error
	}
	return insecure
}

func pingOver(ctx context.Context, scheme string, registry name.Registry, client *http.Client) pong {
	address := url.URL{Scheme: scheme, Host: registry.RegistryStr(), Path: "/v2/"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return pong{err: err}
	}
	resp, err := client.Do(req)
	if err != nil {
		return pong{err: err}
	}
	defer finish(resp)
	p := pong{scheme: resp.Request.URL.Scheme}
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized:
		p.challenge, _ = parseChallenge(resp.Header)
	default:
		p.err = answerAlone(transport.CheckError(resp))
	}
	return p
}
