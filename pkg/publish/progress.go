package publish

import (
	"io"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// progressInterval is how far apart reports are while blobs travel: smooth to the eye, and nothing to the upload.
const progressInterval = 100 * time.Millisecond

// State is what becomes of a blob.
type State string

// A blob is Uploading, and then one of the others.
const (
	Uploading State = "uploading"
	Pushed    State = "pushed"   // it crossed the wire
	Mounted   State = "mounted"  // the registry took it from another of its repositories
	Existing  State = "existing" // the repository had it
)

// Progress tells how far one blob has come, and all of them together. Sizes are in bytes.
type Progress struct {
	Repository name.Repository
	Blob       v1.Hash
	State      State
	// Sent of Size bytes have left. An upload that breaks and is begun anew starts at 0 again.
	Sent, Size int64
	// TotalSent of TotalSize bytes have left, of all blobs. TotalSize shrinks with each blob that turns out not to be needed.
	TotalSent, TotalSize int64
}

// meter adds up what the gauges of a publication count.
type meter struct {
	report func(Progress)

	mu          sync.Mutex
	last        time.Time
	sent, total int64
	stopped     bool
}

// newMeter expects expected bytes to be sent. Without report it does nothing.
func newMeter(report func(Progress), expected int64) *meter {
	return &meter{report: report, total: expected}
}

// stop ends the reports: the transport may still be reading a body whose answer came early.
func (m *meter) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
}

// gauge counts the bytes of one blob on its way into one repository.
type gauge struct {
	meter    *meter
	repo     name.Repository
	blob     blob
	expected bool // its bytes are part of the meter's total
	sent     int64
	reading  *watched // the attempt that counts
}

func (m *meter) gauge(repo name.Repository, b blob, expected bool) *gauge {
	return &gauge{meter: m, repo: repo, blob: b, expected: expected}
}

// watch begins an attempt to send the blob.
func (g *gauge) watch(content io.ReadCloser) io.ReadCloser {
	g.meter.mu.Lock()
	defer g.meter.mu.Unlock()
	if !g.expected {
		g.expected = true
		g.meter.total += g.blob.size
	}
	g.meter.sent -= g.sent
	g.sent = 0
	g.reading = &watched{ReadCloser: content, gauge: g}
	return g.reading
}

// done says what became of the blob.
func (g *gauge) done(state State) {
	g.meter.mu.Lock()
	defer g.meter.mu.Unlock()
	if state != Pushed && g.expected {
		g.expected = false
		g.meter.total -= g.blob.size
		g.meter.sent -= g.sent
		g.sent = 0
	}
	g.reading = nil
	g.tell(state)
}

func (g *gauge) count(from *watched, n int) {
	g.meter.mu.Lock()
	defer g.meter.mu.Unlock()
	if g.reading != from {
		return
	}
	g.sent += int64(n)
	g.meter.sent += int64(n)
	if time.Since(g.meter.last) >= progressInterval {
		g.tell(Uploading)
	}
}

func (g *gauge) tell(state State) {
	m := g.meter
	if m.report == nil || m.stopped {
		return
	}
	m.last = time.Now()
	m.report(Progress{
		Repository: g.repo, Blob: g.blob.digest, State: state,
		Sent: g.sent, Size: g.blob.size,
		TotalSent: m.sent, TotalSize: m.total,
	})
}

// watched is a body that is counted as it is read.
type watched struct {
	io.ReadCloser
	gauge *gauge
}

// Read implements [io.Reader].
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if n > 0 {
		w.gauge.count(w, n)
	}
	return n, err
}
