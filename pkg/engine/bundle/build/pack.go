package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// level is the best of the encoder. It is slow, but a program is compressed only when its version changes.
const level = zstd.SpeedBestCompression

// pack compresses the file plain into the file packed, which is complete as soon as it is there.
func pack(plain, packed string) (bundle.Program, error) {
	in, err := os.Open(plain)
	if err != nil {
		return bundle.Program{}, err
	}
	defer in.Close()
	tmp := packed + ".tmp"
	defer os.Remove(tmp)
	out, err := os.Create(tmp)
	if err != nil {
		return bundle.Program{}, err
	}
	defer out.Close()
	p, err := compress(out, in)
	if err != nil {
		return bundle.Program{}, err
	}
	if err := out.Close(); err != nil {
		return bundle.Program{}, err
	}
	return p, os.Rename(tmp, packed)
}

func compress(out io.Writer, in io.Reader) (bundle.Program, error) {
	sum, packed := sha256.New(), &counter{w: out}
	// With one goroutine, the bytes do not depend on the number of cores.
	enc, err := zstd.NewWriter(packed, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return bundle.Program{}, err
	}
	size, err := io.Copy(enc, io.TeeReader(in, sum))
	if err != nil {
		return bundle.Program{}, err
	}
	if err := enc.Close(); err != nil {
		return bundle.Program{}, err
	}
	return bundle.Program{Size: size, SHA256: hex.EncodeToString(sum.Sum(nil)), Packed: packed.n}, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
