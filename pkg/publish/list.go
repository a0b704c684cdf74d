package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

const (
	// tagPage is how many tags are asked for at once. Registries that give fewer say where the next ones are.
	tagPage = 1000
	// maxTagPage is how much of one answer is read: a tag has 128 characters at most, and some registries give all tags at once.
	maxTagPage = 16 << 20
	// maxTags is how many tags a list may have. What would hold a larger one is no program that reads each of them.
	maxTags = 100_000
)

// Tags lists the tags of a repository, REGISTRY/REPOSITORY, in the order in which the registry has them. It asks the registry itself, and no
// mirror. A repository that does not exist is a [*NotFoundError]; the other errors are those of [Resolve].
func (r *Reader) Tags(ctx context.Context, repository string) ([]string, error) {
	repo, err := name.NewRepository(repository)
	if err != nil {
		return nil, err
	}
	var tags []string
	err = r.at(ctx, endpoint{registry: repo.Registry}, repo, func(s *session, repo name.Repository) (err error) {
		tags, err = s.tags(ctx, repo)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the tags of %s: %w", repository, err)
	}
	return tags, nil
}

// tags lists the tags of a repository, page by page.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
func (s *session) tags(ctx context.Context, repo name.Repository) ([]string, error) {
	first := s.url(repo, "tags/list")
	first.RawQuery = url.Values{"n": {strconv.Itoa(tagPage)}}.Encode()
	var all []string
	seen, asked := map[string]bool{}, map[string]bool{}
	for at := first; at != nil; {
		if asked[at.String()] {
			return nil, fmt.Errorf("the list of tags leads back to %s", at.RequestURI())
		}
		asked[at.String()] = true
		page, next, err := s.tagPage(ctx, repo, at)
		if err != nil {
			return nil, err
		}
		for _, tag := range page {
			if _, err := name.NewTag(repo.Name()+":"+tag, name.StrictValidation); err != nil {
				return nil, fmt.Errorf("the list of tags has %q, which is none", tag)
			}
			if !seen[tag] {
				seen[tag] = true
				all = append(all, tag)
			}
		}
		if len(all) > maxTags {
			return nil, fmt.Errorf("it has more than %d tags", maxTags)
		}
		at = next
	}
	return all, nil
}

// tagPage asks for a page of tags, and returns where the next one is; nil if there is none.
func (s *session) tagPage(ctx context.Context, repo name.Repository, at *url.URL) (tags []string, next *url.URL, err error) {
	_, err = s.repeat.do(ctx, func(int) (*http.Response, error) {
		tags, next, err = s.tagPageOnce(ctx, repo, at)
		return nil, err
	})
	if err != nil {
		return nil, nil, s.explain(err, repo)
	}
	return tags, next, nil
}

func (s *session) tagPageOnce(ctx context.Context, repo name.Repository, at *url.URL) ([]string, *url.URL, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Cache-Control", "no-cache") // a cache may not know yet that a tag is there
	resp, err := s.send(req, repo, repo.Scope(transport.PullScope))
	if err != nil {
		return nil, nil, err
	}
	defer finish(resp)
	if resp.StatusCode == http.StatusNotFound {
		return nil, nil, &NotFoundError{Reference: repo.Name()}
	}
	if err := s.expect(resp, repo, http.StatusOK); err != nil {
		return nil, nil, err
	}
	var page struct {
		Tags []string `json:"tags"` // null for none
	}
	body := &io.LimitedReader{R: resp.Body, N: maxTagPage}
	if err := json.NewDecoder(body).Decode(&page); err != nil {
		if body.N == 0 {
			err = fmt.Errorf("it has more than %d bytes", maxTagPage)
		}
		return nil, nil, fmt.Errorf("the answer is no list of tags: %w", err)
	}
	next, err := s.nextPage(at, resp.Header.Values("Link"))
	return page.Tags, next, err
}

// nextPage returns where the page after another one is: what the registry says, and nothing that is made up here, because registries count
// differently. A registry behind a proxy may give the address that it believes to have: only the path counts.
func (s *session) nextPage(at *url.URL, links []string) (*url.URL, error) {
	target, ok := nextLink(links)
	if !ok {
		return nil, nil
	}
	next, err := at.Parse(target)
	if err != nil {
		return nil, errors.New("the list of tags goes on at what is no address")
	}
	if !s.serves(next) {
		return nil, fmt.Errorf("the list of tags goes on at another host, %s", next.Host)
	}
	next.Scheme, next.Host, next.User, next.Fragment = at.Scheme, at.Host, nil, ""
	return next, nil
}

// nextLink returns the target of the link with the relation "next" in Link headers: <TARGET>; rel="next", <TARGET>; ...
// https://www.rfc-editor.org/rfc/rfc8288#section-3
func nextLink(headers []string) (target string, ok bool) {
	for _, rest := range headers {
		for {
			_, after, found := strings.Cut(rest, "<")
			if !found {
				break
			}
			link, parameters, found := strings.Cut(after, ">")
			if !found {
				break
			}
			own := parameters
			if end := nextTarget(parameters); end >= 0 {
				own = parameters[:end]
			}
			if isNext(own) {
				return link, true
			}
			rest = parameters[len(own):]
		}
	}
	return "", false
}

// nextTarget returns where the next link begins behind the parameters of one; -1 if there is none. A quoted value may have anything in it.
func nextTarget(parameters string) int {
	quoted := false
	for i := range len(parameters) {
		switch parameters[i] {
		case '"':
			quoted = !quoted
		case '<':
			if !quoted {
				return i
			}
		}
	}
	return -1
}

// isNext reports whether the parameters of a link say that it leads to the next page.
func isNext(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		key, value, _ := strings.Cut(strings.Trim(parameter, " \t,"), "=")
		if !strings.EqualFold(strings.TrimSpace(key), "rel") {
			continue
		}
		for relation := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(relation, "next") {
				return true
			}
		}
	}
	return false
}
