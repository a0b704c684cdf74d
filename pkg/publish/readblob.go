package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A blobReader reads a blob, and compares it with its digest and size.
type blobReader struct {
	ctx      context.Context // of the reading
	session  *session
	repo     name.Repository
	desc     ocispec.Descriptor
	verifier digest.Verifier

	body   io.ReadCloser
	read   int64
	broken int // how often the connection broke since the last byte
	err    error
}

// Read implements [io.Reader].
func (b *blobReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, b.err
	}
	for b.err == nil {
		n, err := b.body.Read(p)
		if n > 0 {
			return n, b.took(p[:n])
		}
		if err != nil {
			b.err = b.ended(err)
		}
	}
	return 0, b.err
}

// took notes what was read.
func (b *blobReader) took(p []byte) error {
	_, _ = b.verifier.Write(p) // a hash takes everything
	b.broken = 0
	if b.read += int64(len(p)); b.read > b.desc.Size {
		b.err = b.failure(b.other(fmt.Sprintf("it has more than %d bytes", b.desc.Size)))
	}
	return b.err
}

// ended returns the error that the reading ends with; nil, if it continues on a new connection.
func (b *blobReader) ended(err error) error {
	switch {
	case b.ctx.Err() != nil:
		return b.failure(context.Cause(b.ctx))
	case b.read == b.desc.Size && b.verifier.Verified():
		return io.EOF
	case b.read == b.desc.Size:
		return b.failure(b.other("its bytes differ"))
	case err != io.EOF && !transientError(err):
		return b.failure(err)
	}
	for {
		if b.broken++; b.broken >= b.session.repeat.backoff.Attempts {
			return b.failure(b.givenUp(err))
		}
		if err := sleep(b.ctx, b.session.repeat.backoff.wait(b.broken)); err != nil {
			return b.failure(err)
		}
		if err = b.open(); err == nil {
			return nil
		}
		if !transientError(err) {
			return b.failure(err)
		}
	}
}

// givenUp is what ended the last connection.
func (b *blobReader) givenUp(err error) error {
	if err == io.EOF {
		return b.short()
	}
	return &givenUpError{attempts: b.broken, err: err}
}

// open asks for what was not read yet.
func (b *blobReader) open() error {
	_ = b.Close() // of a connection that broke
	req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.session.url(b.repo, "blobs/"+b.desc.Digest.String()).String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Encoding", "identity") // the digest is that of the bytes as they are
	if b.read > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", b.read))
	}
	resp, err := b.session.send(req, b.repo, b.repo.Scope(transport.PullScope))
	if err != nil {
		return err
	}
	switch {
	case resp.StatusCode == http.StatusNotFound:
		err = &NotFoundError{Reference: b.repo.Name() + "@" + b.desc.Digest.String()}
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && b.read > 0:
		err = b.short()
	default:
		err = b.session.expect(resp, b.repo, http.StatusOK, http.StatusPartialContent)
	}
	if err == nil {
		err = b.skip(resp)
	}
	if err != nil {
		finish(resp)
		return err
	}
	b.body = resp.Body
	return nil
}

// skip skips what was read before, in an answer that has it again.
func (b *blobReader) skip(resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		if _, err := io.CopyN(io.Discard, resp.Body, b.read); err != nil {
			return fmt.Errorf("reading again what was read before: %w", err)
		}
		return nil
	}
	if start, ok := rangeStart(resp.Header.Get("Content-Range")); !ok || start != b.read {
		return fmt.Errorf("the answer has the range %q, not the one from byte %d", resp.Header.Get("Content-Range"), b.read)
	}
	return nil
}

// rangeStart reads where the content of an answer begins: bytes START-END/SIZE.
// https://www.rfc-editor.org/rfc/rfc9110#field.content-range
func rangeStart(value string) (int64, bool) {
	rest, ok := strings.CutPrefix(value, "bytes ")
	start, _, found := strings.Cut(rest, "-")
	n, err := strconv.ParseInt(start, 10, 64)
	return n, ok && found && err == nil
}

func (b *blobReader) short() error {
	return b.other(fmt.Sprintf("it has %d bytes, not %d", b.read, b.desc.Size))
}

func (b *blobReader) other(reason string) error {
	return &ContentError{Repository: b.repo.Name(), Digest: b.desc.Digest, Reason: reason}
}

// failure says what was being done. It ends the reading.
func (b *blobReader) failure(err error) error {
	if b.ctx.Err() == nil {
		err = b.session.explain(err, b.repo)
	}
	return errors.Join(fmt.Errorf("reading blob %s of %s: %w", b.desc.Digest, b.repo, err), b.Close())
}

// Close ends the connection.
func (b *blobReader) Close() error {
	if b.body == nil {
		return nil
	}
	body := b.body
	b.body = nil
	return body.Close()
}
