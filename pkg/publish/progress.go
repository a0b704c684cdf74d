package publish

import (
	"io"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// progressInterval is the least time between two reports of an upload: short enough to look smooth, and long enough not to slow it down.
const progressInterval = 100 * time.Millisecond

// State is how far a blob is, or how it came into its repository.
type State string

// A blob may be Uploading first. Then it is one of the others.
const (
	Uploading State = "uploading"
	Pushed    State = "pushed"   // it was uploaded
	Mounted   State = "mounted"  // the registry took it from another of its repositories
	Existing  State = "existing" // the repository had it
)

// A layer that [Fill] downloads may be Downloading first. Then it is Downloaded.
const (
	Downloading State = "downloading"
	Downloaded  State = "downloaded"
)

// Progress is how far one blob is, and how far all blobs are together. Sizes are in bytes. Of a download, what was sent is what came.
type Progress struct {
	Repository name.Repository
	Blob       v1.Hash
	State      State
	// Sent of Size bytes have been sent. An upload that breaks and begins again starts at 0.
	Sent, Size int64
	// TotalSent of TotalSize bytes have been sent, of all blobs. TotalSize shrinks with each blob that need not be sent after all.
	TotalSent, TotalSize int64
}

// progress is the sum of the blobProgress of all blobs of a publication.
type progress struct {
	report func(Progress)
	moving State // what a blob is while its bytes move

	mu          sync.Mutex
	last        time.Time
	sent, total int64
	stopped     bool
}

// newProgress returns the progress of a publication that is expected to send so many bytes. A nil report is not called.
func newProgress(report func(Progress), expected int64) *progress {
	return &progress{report: report, moving: Uploading, total: expected}
}

// stop ends the reports: the transport may still be reading a body whose answer came early.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
}

// blobProgress counts the bytes of one blob that were sent to one repository.
type blobProgress struct {
	all      *progress
	repo     name.Repository
	blob     blob
	expected bool // the total includes its bytes
	sent     int64
	reading  *watched // the attempt that counts
}

func (p *progress) of(repo name.Repository, b blob, expected bool) *blobProgress {
	return &blobProgress{all: p, repo: repo, blob: b, expected: expected}
}

// watch begins an attempt to send the blob.
func (p *blobProgress) watch(content io.ReadCloser) io.ReadCloser {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	if !p.expected {
		p.expected = true
		p.all.total += p.blob.size
	}
	p.all.sent -= p.sent
	p.sent = 0
	p.reading = &watched{ReadCloser: content, progress: p}
	return p.reading
}

// done ends the upload of the blob.
func (p *blobProgress) done(state State) {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	if state != Pushed && state != Downloaded && p.expected {
		p.expected = false
		p.all.total -= p.blob.size
		p.all.sent -= p.sent
		p.sent = 0
	}
	p.reading = nil
	p.tell(state)
}

func (p *blobProgress) count(from *watched, n int) {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	if p.reading != from {
		return
	}
	p.sent += int64(n)
	p.all.sent += int64(n)
	if time.Since(p.all.last) >= progressInterval {
		p.tell(p.all.moving)
	}
}

func (p *blobProgress) tell(state State) {
	all := p.all
	if all.report == nil || all.stopped {
		return
	}
	all.last = time.Now()
	all.report(Progress{
		Repository: p.repo, Blob: p.blob.digest, State: state,
		Sent: p.sent, Size: p.blob.size,
		TotalSent: all.sent, TotalSize: all.total,
	})
}

// watched is a body that is counted as it is read.
type watched struct {
	io.ReadCloser
	progress *blobProgress
}

// Read implements [io.Reader].
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if n > 0 {
		w.progress.count(w, n)
	}
	return n, err
}
