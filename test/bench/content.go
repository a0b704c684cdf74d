package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// A content is a directory that is large in one way. Half of it is noise, which cannot be compressed, and half of it is text.
type content struct {
	title string
	write func(dir string) error
}

func largeContents() []content {
	return []content{
		{"50,000 small files", manyFiles},
		{"1 GB file", oneFile},
	}
}

// oneFile writes a file of 1 GB.
func oneFile(dir string) error {
	const half = 500_000_000
	s := newSource()
	return writeFile(filepath.Join(dir, "data"), func(w io.Writer) error {
		return errors.Join(s.noise(w, half), s.text(w, half))
	})
}

// manyFiles writes 50,000 files of up to 8 KiB, 100 to a directory.
func manyFiles(dir string) error {
	s := newSource()
	for i := range 50_000 {
		sub := filepath.Join(dir, fmt.Sprintf("d%03d", i/100))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return err
		}
		write := s.noise
		if i%2 == 0 {
			write = s.text
		}
		size := s.IntN(8 << 10)
		if err := writeFile(filepath.Join(sub, fmt.Sprintf("file-%05d", i)), func(w io.Writer) error { return write(w, size) }); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 32<<10)
	return errors.Join(write(w), w.Flush())
}

// A source makes the same bytes in each run of the bench.
type source struct {
	*rand.Rand
	bytes *rand.ChaCha8
	words [4096]string
}

func newSource() *source {
	seed := rand.NewChaCha8([32]byte{})
	s := &source{Rand: rand.New(seed), bytes: seed}
	for i := range s.words {
		word := make([]byte, 2+s.IntN(9))
		for at := range word {
			word[at] = 'a' + byte(s.IntN(26))
		}
		s.words[i] = string(word) + " "
	}
	return s
}

func (s *source) noise(w io.Writer, size int) error {
	_, err := io.CopyN(w, s.bytes, int64(size))
	return err
}

// text writes words, a few of them much more often than the others.
func (s *source) text(w io.Writer, size int) error {
	for size > 0 {
		word := s.words[s.IntN(1+s.IntN(len(s.words)))]
		word = word[:min(len(word), size)]
		if _, err := io.WriteString(w, word); err != nil {
			return err
		}
		size -= len(word)
	}
	return nil
}
