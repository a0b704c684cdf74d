package download

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/sealed"
)

// header begins a file of the cache, and ends with the number of its format, which must change with the format. A SHA-256 checksum of the
// rest follows; then the length of the facts, the facts as JSON, and the content.
const header = "pulpimg download 1\n"

// A record is what is known of a URL. The zero value knows nothing.
type record struct {
	facts   facts
	content []byte
}

// facts tell a server which version of a file is known.
type facts struct {
	URL                string // without credentials
	ETag, LastModified string
}

// savedFacts are facts in a file. What servers say is bytes and not text, which would have to be UTF-8.
type savedFacts struct {
	URL          []byte `json:"url"`
	ETag         []byte `json:"etag,omitempty"`
	LastModified []byte `json:"lastModified,omitempty"`
}

// clockDifference is how much later than the modification of a file an answer has to be, so that the file cannot have changed again within
// the same second, by whichever clock. https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2
const clockDifference = time.Minute

func newRecord(answer http.Header, content []byte) record {
	r := record{facts: facts{ETag: answer.Get("ETag")}, content: content}
	modified, err := http.ParseTime(answer.Get("Last-Modified"))
	if answered, dateErr := http.ParseTime(answer.Get("Date")); err == nil && dateErr == nil && answered.Sub(modified) >= clockDifference {
		r.facts.LastModified = answer.Get("Last-Modified")
	}
	return r
}

// exists reports whether a server can tell whether the file is still the same.
func (r record) exists() bool { return r.facts.ETag != "" || r.facts.LastModified != "" }

// askIn adds to a request that the file is wanted only if it changed. An ETag is the better evidence, and then the time is not asked about.
// https://www.rfc-editor.org/rfc/rfc9110#section-13.1
func (r record) askIn(request http.Header) {
	switch {
	case r.facts.ETag != "":
		request.Set("If-None-Match", r.facts.ETag)
	case r.facts.LastModified != "":
		request.Set("If-Modified-Since", r.facts.LastModified)
	}
}

// is reports whether an answer without content is about this version of the file. Servers may leave out its ETag. As BuildKit does, it does not
// tell weak ETags from strong ones.
// https://github.com/moby/buildkit/blob/v0.34.2/source/http/source.go (etagValue)
func (r record) is(answer http.Header) bool {
	etag := strings.TrimPrefix(answer.Get("ETag"), "W/")
	return r.exists() && (etag == "" || etag == strings.TrimPrefix(r.facts.ETag, "W/"))
}

// encode returns the content of a record's file.
func (r record) encode() ([]byte, error) {
	text, err := json.Marshal(savedFacts{[]byte(r.facts.URL), []byte(r.facts.ETag), []byte(r.facts.LastModified)})
	if err != nil {
		return nil, err
	}
	content := slices.Concat(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text, r.content)
	return append([]byte(header), sealed.Seal(content)...), nil
}

// decode reads the content of a record's file. It reports false for one that is damaged or of another format.
func decode(data []byte) (record, bool) {
	data, ok := bytes.CutPrefix(data, []byte(header))
	if !ok {
		return record{}, false
	}
	rest, ok := sealed.Open(data)
	if !ok || len(rest) < 4 {
		return record{}, false
	}
	length, rest := int64(binary.LittleEndian.Uint32(rest)), rest[4:]
	if length > int64(len(rest)) {
		return record{}, false
	}
	var saved savedFacts
	if err := json.Unmarshal(rest[:length], &saved); err != nil {
		return record{}, false
	}
	return record{facts: facts{string(saved.URL), string(saved.ETag), string(saved.LastModified)}, content: rest[length:]}, true
}

// name is the file of a URL in the cache.
func (f Fetcher) name(file file) string {
	sum := sha256.Sum256([]byte(file.shown))
	return filepath.Join(f.Dir, hex.EncodeToString(sum[:]))
}

// load reads what is known of a URL.
func (f Fetcher) load(file file) (record, bool) {
	if f.Dir == "" {
		return record{}, false
	}
	data, err := os.ReadFile(f.name(file))
	if err != nil {
		return record{}, false
	}
	r, ok := decode(data)
	if !ok || r.facts.URL != file.shown {
		return record{}, false
	}
	return r, true
}

// save keeps what is known of a URL.
func (f Fetcher) save(file file, r record) error {
	if f.Dir == "" {
		return nil
	}
	data, err := r.encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.Dir, 0o755); err != nil {
		return err
	}
	cachedir.RemoveUnused(f.Dir)
	return atomicfile.Write(f.name(file), data, 0o600)
}

func (f Fetcher) markUsed(file file) {
	if f.Dir != "" {
		cachedir.MarkUsed(f.name(file))
	}
}
