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

// ErrEmpty is what [Load] returns in a binary that was compiled without its engine.
var ErrEmpty = errors.New("this pulpimg was built without an engine")

// Bundle is what this binary carries.
type Bundle struct {
	Manifest
	id    string
	files fs.FS
}

// Load reads the manifest of the embedded bundle. It returns [ErrEmpty] when
// there is none.
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
		return nil, fmt.Errorf("read the list of engine programs in this pulpimg: %w", err)
	}
	return b, nil
}

// ID names the contents: two bundles with the same ID are the same bytes.
func (b *Bundle) ID() string { return b.id }

// IsOf reports whether the text is the bundle's manifest.
func (b *Bundle) IsOf(manifest []byte) bool { return digest(manifest) == b.id }

// WriteTo writes the uncompressed program to w and returns an error when the
// bytes are not those of the manifest.
func (b *Bundle) WriteTo(w io.Writer, p Program) error {
	packed, err := b.files.Open(p.Name + ".zst")
	if err != nil {
		return err
	}
	defer packed.Close()
	// Programs are unpacked one at a time, so that the memory for a window is needed once.
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

// Check reads r to its end and returns an error when it is not the program.
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
