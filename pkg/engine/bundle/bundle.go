package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"
)

// ErrEmpty reports that this binary was compiled without the engine.
var ErrEmpty = errors.New("this pulpimg was built without an engine")

// Bundle is the engine's programs inside this binary.
type Bundle struct {
	Manifest
	id    string
	files fs.FS
}

// Load reads the manifest of the bundle. It returns [ErrEmpty] if there is none.
func Load() (*Bundle, error) {
	return load(embedded())
}

func load(files fs.FS) (*Bundle, error) {
	text, err := fs.ReadFile(files, ManifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrEmpty
	}
	if err != nil {
		return nil, err
	}
	b := &Bundle{files: files, id: digest(text)}
	if err := json.Unmarshal(text, &b.Manifest); err != nil {
		return nil, fmt.Errorf("reading the list of engine programs in this pulpimg: %w", err)
	}
	return b, nil
}

// ID returns the digest of the manifest: two bundles with the same ID have the same bytes.
func (b *Bundle) ID() string { return b.id }

// IsOf reports whether a text is the bundle's manifest.
func (b *Bundle) IsOf(manifest []byte) bool { return digest(manifest) == b.id }

// WriteTo writes a program to w, uncompressed. It returns an error if its bytes do not have the digest that the manifest has.
func (b *Bundle) WriteTo(w io.Writer, p Program) error {
	if b.files == nil {
		return &fs.PathError{Op: "open", Path: p.Name, Err: fs.ErrNotExist}
	}
	packed, err := b.files.Open(p.Name + ".zst")
	if err != nil {
		return err
	}
	defer packed.Close()
	// Callers unpack one program at a time, so that the memory for a window is needed once.
	r, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(0))
	if err != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, sum), r); err != nil {
		return err
	}
	return p.check(sum)
}

// Check reads r to its end, and returns an error if it is not the program.
func (p Program) Check(r io.Reader) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	return p.check(sum)
}

func (p Program) check(sum hash.Hash) error {
	if got := hex.EncodeToString(sum.Sum(nil)); got != p.SHA256 {
		return fmt.Errorf("%s has the digest sha256:%s, not sha256:%s", p.Name, got, p.SHA256)
	}
	return nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
