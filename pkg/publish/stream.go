package publish

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// LayerError reports that a layer is not on this machine, and that no place that should have it gave it.
type LayerError struct {
	// Image is the name of the first image that needs the layer.
	Image string
	Layer v1.Hash
	// Sources are the places, in the order in which they were asked, and Errs is what each of them said. There may be none.
	Sources []string
	Errs    []error
}

func (e *LayerError) Error() string {
	if len(e.Sources) == 0 {
		return "the layer is not on this machine, and nothing says where it is"
	}
	texts := make([]string, len(e.Errs))
	for i, err := range e.Errs {
		texts[i] = fmt.Sprintf("%s: %v", e.Sources[i], err)
	}
	return "the layer is not on this machine, and it cannot be had from " + strings.Join(texts, "; from ")
}

// Unwrap gives what each place said.
func (e *LayerError) Unwrap() []error { return e.Errs }

// errNotHere reports that a layer is not on this machine.
var errNotHere = errors.New("the layer is not on this machine")

// A sourceError reports that a place did not give a layer. It is final if another attempt at the same place does not help.
type sourceError struct {
	err   error
	final bool
}

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// A layerReader reads layers from the places that have them. It connects to a registry when it is needed, once.
type layerReader struct {
	settings settings
	known    sessions // those of the registries that are published to

	mu        sync.Mutex
	connected map[name.Registry]func() (*session, error)
}

func newLayerReader(o settings, known sessions) *layerReader {
	return &layerReader{settings: o, known: known, connected: make(map[name.Registry]func() (*session, error))}
}

func (r *layerReader) session(ctx context.Context, registry name.Registry) (*session, error) {
	if s := r.known[registry]; s != nil {
		return s, nil
	}
	r.mu.Lock()
	once, ok := r.connected[registry]
	if !ok {
		once = sync.OnceValues(func() (*session, error) { return connect(ctx, registry, r.settings) })
		r.connected[registry] = once
	}
	r.mu.Unlock()
	return once()
}

// open begins to read a layer from a place. What is read is the layer, or ends with a [*sourceError].
func (r *layerReader) open(ctx context.Context, at place, b blob) (io.ReadCloser, error) {
	content, err := r.request(ctx, at, b)
	if err != nil {
		return nil, &sourceError{err, true}
	}
	hasher, err := v1.Hasher(b.digest.Algorithm)
	if err != nil {
		return nil, errors.Join(&sourceError{err, true}, content.Close())
	}
	return &checked{ReadCloser: content, hash: hasher, blob: b, left: b.size}, nil
}

func (r *layerReader) request(ctx context.Context, at place, b blob) (io.ReadCloser, error) {
	if at.err != nil {
		return nil, at.err
	}
	s, err := r.session(ctx, at.repo.Registry)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(at.repo, "blobs/"+b.digest.String()).String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity") // the bytes that the digest is of
	resp, err := s.send(req, at.repo, at.repo.Scope(transport.PullScope))
	if err != nil {
		return nil, err
	}
	if err := s.expect(resp, at.repo, http.StatusOK); err != nil {
		finish(resp)
		return nil, err
	}
	if resp.ContentLength >= 0 && resp.ContentLength != b.size {
		_ = resp.Body.Close() // the error that counts is the one about the length
		return nil, fmt.Errorf("it has %d bytes there, and not the %d that it should have", resp.ContentLength, b.size)
	}
	return resp.Body, nil
}

// checked is a layer as a place gives it. The last bytes are held back until it is certain that the layer is the right one: whoever
// gets fewer bytes than were announced does not take a wrong layer for a whole one.
type checked struct {
	io.ReadCloser
	hash  hash.Hash
	blob  blob
	left  int64
	ended bool
}

// Read implements [io.Reader].
func (c *checked) Read(p []byte) (int, error) {
	if c.ended {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	p = p[:min(int64(len(p)), max(c.left, 1))]
	n, err := c.ReadCloser.Read(p)
	if int64(n) > c.left {
		return 0, c.wrong("it is longer there than the %d bytes that it should have", c.blob.size)
	}
	_, _ = c.hash.Write(p[:n]) // a hash takes everything
	c.left -= int64(n)
	switch {
	case err == io.EOF && c.left > 0:
		return 0, c.wrong("it ends there after %d of %d bytes", c.blob.size-c.left, c.blob.size)
	case err != nil && err != io.EOF:
		return 0, &sourceError{err: err}
	case c.left > 0:
		return n, nil
	}
	if err == nil {
		if err := c.end(); err != nil {
			return 0, err
		}
	}
	if got := fmt.Sprintf("%x", c.hash.Sum(nil)); got != c.blob.digest.Hex {
		return 0, c.wrong("what is there has another digest, %s:%s", c.blob.digest.Algorithm, got)
	}
	c.ended = true
	return n, io.EOF
}

// end makes sure that nothing follows.
func (c *checked) end() error {
	switch n, err := io.ReadFull(c.ReadCloser, make([]byte, 1)); {
	case n > 0:
		return c.wrong("it is longer there than the %d bytes that it should have", c.blob.size)
	case err != io.EOF:
		return &sourceError{err: err}
	}
	return nil
}

func (c *checked) wrong(format string, args ...any) error {
	return &sourceError{fmt.Errorf(format, args...), true}
}

// tryPlaces has one place after the other give a layer, until one did or there is another reason to end.
func tryPlaces(ctx context.Context, image string, b blob, all []place, use func(place) error) error {
	failed := &LayerError{Image: image, Layer: b.digest}
	for _, at := range all {
		err := use(at)
		var given *sourceError
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.As(err, &given) {
			return err
		}
		failed.Sources, failed.Errs = append(failed.Sources, at.text), append(failed.Errs, outermost(err, given))
	}
	return failed
}

// outermost returns what a place said, with how often it was asked.
func outermost(err error, given *sourceError) error {
	var (
		gaveUp *givenUpError
		inside *sourceError
	)
	if errors.As(err, &gaveUp) && errors.As(gaveUp.err, &inside) {
		return &givenUpError{attempts: gaveUp.attempts, err: given.err}
	}
	return given.err
}

// send uploads a blob: the one on this machine or, if it is not there, what the first place has that gives it.
func (u *uploader) send(ctx context.Context, t transfer, location *url.URL, p *blobProgress) error {
	s := u.sessions.of(t.repo)
	all := t.sources()
	if len(all) == 0 || t.blob.isHere() {
		if err := s.upload(ctx, t.repo, t.blob, location, p); !errors.Is(err, errNotHere) {
			return err
		}
	}
	return tryPlaces(ctx, u.entries[t.item].item.Name, t.blob, all, func(at place) error {
		streamed := t.blob
		streamed.open = func() (io.ReadCloser, error) { return u.reader.open(ctx, at, t.blob) }
		begun := location
		location = nil
		return s.upload(ctx, t.repo, streamed, begun, p)
	})
}

// sources returns where the blob of a transfer can be read: first in the repository that it could not be mounted from, which is near the
// other one.
func (t transfer) sources() []place {
	var all []place
	if t.known {
		all = append(all, place{text: t.from[0].Name(), repo: t.from[0]})
	}
	return append(all, t.places...)
}
