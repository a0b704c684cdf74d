package download

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/policy"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// MaxSize bounds a file.
const MaxSize = 16 << 20

const userAgent = "pulpimg"

// A Fetcher fetches files. Its methods may be called at the same time, also by several processes that share its directory.
type Fetcher struct {
	Transport http.RoundTripper // see [Transport]
	Policy    policy.Policy
	// Dir is a directory of its own for what was fetched. If it is empty, nothing is kept, and everything is fetched.
	Dir string
}

// Get returns the file of a URL. With a SHA-256 digest in hex, the file is pinned: it has to have this digest, and is not asked for if it is
// known. Without one, its server is asked whether it changed since it was fetched. What is known is never used because a server fails.
//
// Errors are a [*DeniedError], an [*UnsupportedError], a [*StatusError], an [*UnreachableError], a [*ChecksumError], a [*SizeError], and plain ones.
func (f Fetcher) Get(ctx context.Context, from family.URL, sha256 string) ([]byte, error) {
	data, err := f.get(ctx, from, sha256)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", from, err)
	}
	return data, nil
}

func (f Fetcher) get(ctx context.Context, from family.URL, sha256 string) ([]byte, error) {
	file, err := f.meant(ctx, from, sha256)
	if err != nil {
		return nil, err
	}
	known, ok := f.load(file)
	if ok && file.Checksum != "" && sum(file.Checksum, known.content) == file.Checksum {
		f.markUsed(file)
		return known.content, nil
	}
	if !ok || file.Checksum != "" || file.secret {
		known = record{} // it cannot be what is wanted, or it cannot be told
	}
	fetched, err := f.request(ctx, file, known)
	if err != nil {
		return nil, err
	}
	if file.Checksum != "" {
		if got := sum(file.Checksum, fetched.content); got != file.Checksum {
			return nil, &ChecksumError{Want: file.Checksum, Got: got}
		}
	}
	fetched.facts.URL = file.shown
	if known.facts == fetched.facts && bytes.Equal(known.content, fetched.content) {
		f.markUsed(file)
		return fetched.content, nil
	}
	if err := f.save(file, fetched); err != nil {
		return nil, fmt.Errorf("keeping it: %w", err)
	}
	return fetched.content, nil
}

// A file is what is to be fetched.
type file struct {
	policy.File
	shown         string // the URL without credentials
	secret        bool   // the URL has credentials in its parameters, so it does not say all
	authorization string // for the host of the URL alone
}

// meant returns what a source policy makes of a URL. The credentials of the URL are for its own host.
func (f Fetcher) meant(ctx context.Context, from family.URL, sha256 string) (file, error) {
	var checksum digest.Digest
	if sha256 != "" {
		checksum = digest.NewDigestFromEncoded(digest.SHA256, sha256)
	}
	meant, err := f.Policy.File(ctx, from.Request(), checksum)
	var denied *policy.DeniedError
	switch {
	case errors.As(err, &denied):
		return file{}, &DeniedError{URL: from.String()}
	case err != nil:
		return file{}, withoutURL(err)
	case len(meant.Other) > 0:
		return file{}, &UnsupportedError{meant.Other}
	}
	if meant.Checksum != "" {
		if err := meant.Checksum.Validate(); err != nil {
			return file{}, fmt.Errorf("reading the digest %q: %w", meant.Checksum, err)
		}
	}
	out := file{File: meant, shown: family.HideCredentials(meant.URL)}
	asked, err := url.Parse(from.Request())
	if err != nil {
		return file{}, withoutURL(err)
	}
	to, err := url.Parse(meant.URL)
	if err != nil {
		return file{}, withoutURL(err)
	}
	if meant.URL == from.Request() {
		out.shown = from.String()
	}
	out.secret = out.shown != meant.URL
	if sameHost(asked, to) {
		out.authorization = from.Authorization()
	}
	return out, nil
}

// request asks for a file, or whether the one that is known is still the same.
func (f Fetcher) request(ctx context.Context, file file, known record) (record, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, file.URL, nil)
	if err != nil {
		return record{}, withoutURL(err)
	}
	req.Header.Set("User-Agent", userAgent)
	for name, value := range file.Headers {
		req.Header.Set(name, value)
	}
	if file.authorization != "" {
		req.Header.Set("Authorization", file.authorization)
	}
	known.askIn(req.Header)
	client := http.Client{Transport: f.Transport, CheckRedirect: keepCredentials}
	resp, err := client.Do(req)
	if err != nil {
		return record{}, failure(ctx, req, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && known.is(resp.Header):
		return known, nil
	case resp.StatusCode == http.StatusNotModified && known.exists():
		return f.request(ctx, file, record{}) // it says nothing about what is known
	case resp.StatusCode != http.StatusOK:
		return record{}, &StatusError{Host: resp.Request.URL.Host, Code: resp.StatusCode}
	}
	content, err := read(resp)
	if err != nil {
		return record{}, failure(ctx, resp.Request, err)
	}
	return newRecord(resp.Header, content), nil
}

func read(resp *http.Response) ([]byte, error) {
	var content bytes.Buffer
	if _, err := io.Copy(&content, io.LimitReader(resp.Body, MaxSize+1)); err != nil {
		return nil, err
	}
	if content.Len() > MaxSize {
		return nil, &SizeError{Most: MaxSize}
	}
	return content.Bytes(), nil
}

// failure returns the error for a request that got no whole answer.
func failure(ctx context.Context, req *http.Request, err error) error {
	var size *SizeError
	var redirect *redirectError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &size):
		return size
	case errors.As(err, &redirect):
		return redirect
	}
	return &UnreachableError{Host: req.URL.Host, Err: withoutURL(err)}
}

// A redirectError reports that a server does not lead to a file.
type redirectError struct{ reason string }

func (e *redirectError) Error() string { return e.reason }

// maxRedirects is as many as net/http follows by default.
const maxRedirects = 10

// keepCredentials keeps the credentials in a request that is redirected to the same host, and removes them if it is another one. net/http alone
// would send them to a subdomain.
func keepCredentials(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return &redirectError{fmt.Sprintf("%s redirects too often", req.URL.Host)}
	}
	req.Header.Del("Referer") // it has the parameters of the URL
	authorization := via[0].Header.Get("Authorization")
	lowered := via[0].URL.Scheme == "https" && req.URL.Scheme != "https"
	if authorization != "" && !lowered && sameHost(req.URL, via[0].URL) {
		req.Header.Set("Authorization", authorization)
	} else {
		req.Header.Del("Authorization")
	}
	return nil
}

func sameHost(a, b *url.URL) bool {
	return registries.CanonicalHost(a.Scheme, a.Host) == registries.CanonicalHost(b.Scheme, b.Host)
}

// sum returns the digest of a content, of the same algorithm as another digest.
func sum(like digest.Digest, content []byte) digest.Digest {
	return like.Algorithm().FromBytes(content)
}
