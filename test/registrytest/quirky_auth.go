package registrytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// bearer reports whether the registry works with tokens.
func (q *Quirky) bearer() bool {
	return slices.ContainsFunc([]Quirk{
		Bearer, OpenPing, ManyOffers, AccessToken, NoExpiry, LastScope, RefusedMountScope, RefusedMountScope401, DyingTokens, PullTokens,
		HiddenRepo401,
	}, q.has)
}

// authorize reports whether a request may do something in a repository, and otherwise how it is refused.
func (q *Quirky) authorize(r *http.Request, repo, action string) (answer, bool) {
	challenge := `Basic realm="quirky, \"registry\""`
	switch {
	case q.bearer():
		challenge = fmt.Sprintf(`Bearer realm="%s://%s/token",service="quirky"`, q.scheme, q.Host)
		if q.has(ManyOffers) {
			challenge = `Negotiate abc==, Basic realm="x", ` + challenge
		}
		token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		scopes, known := q.tokens[token]
		if isBearer && known && (repo == "" || allows(scopes, repo, action)) {
			return answer{}, true
		}
	case q.has(Basic):
		if user, password, _ := r.BasicAuth(); user == QuirkyUser && password == QuirkyPassword {
			return answer{}, true
		}
	default:
		return answer{}, true
	}
	refused := refuse(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	refused.header = map[string]string{"WWW-Authenticate": challenge}
	return refused, false
}

func allows(scopes []string, repo, action string) bool {
	for _, scope := range scopes {
		if actions, ok := strings.CutPrefix(scope, "repository:"+repo+":"); ok && slices.Contains(strings.Split(actions, ","), action) {
			return true
		}
	}
	return false
}

func (q *Quirky) token(r *http.Request) answer {
	if user, password, _ := r.BasicAuth(); user != QuirkyUser || password != QuirkyPassword {
		return refuse(http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")
	}
	scopes := r.URL.Query()["scope"]
	switch {
	case q.has(RefusedMountScope) && len(scopes) > 1:
		return refuse(http.StatusForbidden, "DENIED", "requested access to the resource is denied")
	case q.has(RefusedMountScope401) && len(scopes) > 1:
		return refuse(http.StatusUnauthorized, "UNAUTHORIZED", "requested access to the resource is denied")
	case q.has(PullTokens) && strings.Contains(strings.Join(scopes, " "), "push"):
		return refuse(http.StatusForbidden, "DENIED", "requested access to the resource is denied")
	case q.has(LastScope):
		scopes = scopes[len(scopes)-1:]
	}
	q.tries++
	token := fmt.Sprintf("token-%d", q.tries)
	q.tokens[token] = scopes
	text := map[string]any{"token": token, "expires_in": 3600}
	switch {
	case q.has(AccessToken):
		text = map[string]any{"access_token": token, "expires_in": "3600"}
	case q.has(NoExpiry):
		delete(text, "expires_in")
	}
	body, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return answer{status: http.StatusOK, body: body}
}

// endTokens ends all tokens before their time, once for each reason.
func (q *Quirky) endTokens(reason string) {
	if q.once(DyingTokens, reason) {
		clear(q.tokens)
	}
}
