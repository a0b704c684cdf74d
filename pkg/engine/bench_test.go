//go:build linux

package engine_test

import (
	"context"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/engine"
)

// BenchmarkReady is the time from asking for the unpacked embedded engine until it
// answers, in ms/ready. Its end is not in it.
func BenchmarkReady(b *testing.B) {
	o := engine.Options{CacheDir: b.TempDir()}
	must(b, start(b, o).Close())
	for b.Loop() {
		e, err := engine.Start(context.Background(), o)
		must(b, err)
		b.StopTimer()
		must(b, e.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/ready")
}

// BenchmarkUnpack is the same with an empty cache directory.
func BenchmarkUnpack(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		o := engine.Options{CacheDir: b.TempDir()}
		b.StartTimer()
		e, err := engine.Start(context.Background(), o)
		must(b, err)
		b.StopTimer()
		must(b, e.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/ready")
}
