package recordset_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/internal/recordset"
)

var amd64 = ocispec.Platform{OS: "linux", Architecture: "amd64"}

func sum(name string) digest.Digest { return digest.FromString(name) }

func layerOf(name string) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: sum("blob of " + name), Size: 7}
}

// recordOf returns the record of a step with a layer.
func recordOf(name string) record.Record {
	blob := layerOf(name)
	return record.Record{Key: sum("key of " + name), On: sum("on"), Result: sum("diff ID of " + name), Blob: &blob}
}

// full returns a set that says something of everything: a command that ran again, one whose layer nobody has, a check, and files.
func full() recordset.Set {
	first, hollow, files := recordOf("first"), recordOf("hollow"), recordOf("files")
	first.Ran, first.Again, first.Network = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "AGAIN", true
	hollow.Blob = nil
	check := record.Record{Key: sum("check"), On: sum("on"), Result: sum("key")}
	return recordset.Set{
		Key: files.Key, Records: []record.Record{first, hollow, check, files},
		Indexes: map[digest.Digest]recordset.Index{
			sum("diff ID of a base"): {Blob: layerOf("index of a base"), DiffID: sum("index of a base")},
			first.Result:             {Blob: layerOf("index of first"), DiffID: sum("index of first")},
		},
	}
}

func mustEncode(t testing.TB, s recordset.Set) recordset.Encoded {
	t.Helper()
	e, err := s.Encode(amd64)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSet_roundTrip(t *testing.T) {
	hollow := recordOf("hollow")
	hollow.Blob = nil
	for name, want := range map[string]recordset.Set{
		"full": full(), "one layer": {Key: recordOf("a").Key, Records: []record.Record{recordOf("a")}}, "no layer": {Key: hollow.Key, Records: []record.Record{hollow}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := recordset.Decode(mustEncode(t, want).Manifest, want.Key)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-encoded +decoded):\n%s", err, diff)
			}
			if own := got.Own(); !own.Equal(want.Records[len(want.Records)-1]) {
				t.Errorf("its own record is %+v", own)
			}
		})
	}
}

// The format is documented, and a set of equal records has equal bytes on each machine.
func TestSet_Encode_golden(t *testing.T) {
	e := mustEncode(t, full())
	golden.Compare(t, "testdata/manifest.json", string(e.Manifest)+"\n")
	golden.Compare(t, "testdata/config.json", string(e.Config)+"\n")
	for range 10 {
		if again := mustEncode(t, full()); string(again.Manifest) != string(e.Manifest) {
			t.Fatalf("another time it is %s", again.Manifest)
		}
	}
}

// A layer that several records have is in the image once; a set without layers has one that is empty.
func TestSet_Encode_layers(t *testing.T) {
	a, b := recordOf("a"), recordOf("b")
	same := recordOf("a")
	same.Key = sum("another key")
	hollow := recordOf("hollow")
	hollow.Blob = nil
	empty, err := recordset.Empty()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		records []record.Record
		want    []ocispec.Descriptor
		diffIDs []digest.Digest
	}{
		"in the order of the records": {[]record.Record{b, a}, []ocispec.Descriptor{*b.Blob, *a.Blob}, []digest.Digest{b.Result, a.Result}},
		"the same twice":              {[]record.Record{a, same, b}, []ocispec.Descriptor{*a.Blob, *b.Blob}, []digest.Digest{a.Result, b.Result}},
		"none":                        {[]record.Record{hollow}, []ocispec.Descriptor{empty.Blob}, []digest.Digest{empty.DiffID}},
	} {
		t.Run(name, func(t *testing.T) {
			s := recordset.Set{Key: test.records[len(test.records)-1].Key, Records: test.records}
			e := mustEncode(t, s)
			var config ocispec.Image
			if err := json.Unmarshal(e.Config, &config); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, e.Layers); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.diffIDs, config.RootFS.DiffIDs); diff != "" || !cmp.Equal(config.Platform, amd64) {
				t.Errorf("for %+v, diff IDs (-want +got):\n%s", config.Platform, diff)
			}
		})
	}
}

// Registries refuse manifests that are too long.
func TestSet_Encode_tooLong(t *testing.T) {
	r := recordOf("a")
	r.Again = strings.Repeat("x", 2<<20)
	if _, err := (recordset.Set{Key: r.Key, Records: []record.Record{r}}).Encode(amd64); err == nil || !strings.Contains(err.Error(), "bytes, more than") {
		t.Errorf("the error is %v", err)
	}
	var many recordset.Set
	for i := range 3000 {
		many.Records = append(many.Records, recordOf(fmt.Sprint(i)))
	}
	many.Key = many.Own().Key
	if e := mustEncode(t, many); len(e.Manifest) > 4<<20 {
		t.Errorf("the manifest of 3000 records has %d bytes", len(e.Manifest))
	}
}

func TestTag(t *testing.T) {
	key := sum("a")
	tag := recordset.Tag(key)
	if want := "key-" + key.Encoded(); tag != want {
		t.Errorf("it is %s, want %s", tag, want)
	}
	for tag, want := range map[string]digest.Digest{
		tag: key, key.Encoded(): "", "latest": "", "key-": "", "key-abc": "", tag + "0": "", "x" + tag: "", strings.ToUpper(tag): "", "key-" + strings.ToUpper(key.Encoded()): "",
	} {
		if got, ok := recordset.KeyOf(tag); ok != (want != "") || ok && got != want {
			t.Errorf("the key of %q is %s, %t", tag, got, ok)
		}
	}
}

func TestSet_compared(t *testing.T) {
	early, late := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	run := func(result, again string, ran time.Time) record.Record {
		r := recordOf("command")
		r.Result, r.Again, r.Ran = sum(result), again, ran
		return r
	}
	set := func(all ...record.Record) recordset.Set { return recordset.Set{Key: sum("key"), Records: all} }
	first := run("a", "", early)
	indexed := set(first)
	indexed.Indexes = full().Indexes
	for _, test := range []struct {
		name             string
		ours, theirs     recordset.Set
		equal, refreshed bool
	}{
		{"the same", set(first), set(first), true, false},
		{"with other indexes", indexed, set(first), true, false},
		{"another machine's first run", set(run("b", "", late)), set(first), false, false},
		{"ran again later", set(run("b", "AGAIN", late)), set(first), false, true},
		{"ran again, with the same result", set(run("a", "AGAIN", late)), set(first), false, true},
		{"ran again, but earlier", set(run("b", "AGAIN", early)), set(run("a", "OTHER", late)), false, false},
		{"ran again, at the same time", set(run("b", "AGAIN", early)), set(first), false, false},
		{"theirs ran again", set(first), set(run("b", "AGAIN", late)), false, false},
		{"the same run, whose time is another one", set(run("a", "AGAIN", late)), set(run("a", "AGAIN", early)), false, false},
		{"a record more", set(first, recordOf("more")), set(first), false, false},
		{"a command more that ran again", set(recordOf("other"), run("a", "AGAIN", late)), set(recordOf("other")), false, false},
		{"one of several ran again", set(recordOf("other"), run("b", "AGAIN", late)), set(recordOf("other"), first), false, true},
		{"nothing", set(), set(), true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.ours.Equal(test.theirs); got != test.equal {
				t.Errorf("they are equal: %t", got)
			}
			if got := test.ours.Refreshed(test.theirs); got != test.refreshed {
				t.Errorf("it is refreshed: %t", got)
			}
		})
	}
}

// annotated returns a manifest with layers, and a content in its annotation that has the checksum that it should have.
func annotated(t testing.TB, content string, layers []ocispec.Descriptor) []byte {
	t.Helper()
	return withAnnotation(t, fmt.Sprintf("%d %x %s", recordset.Format, sha256.Sum256([]byte(content)), content), layers)
}

func withAnnotation(t testing.TB, text string, layers []ocispec.Descriptor) []byte {
	t.Helper()
	manifest, err := json.Marshal(ocispec.Manifest{Layers: layers, Annotations: map[string]string{recordset.Annotation: text}})
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

func kindOf(err error) string {
	var (
		damaged *recordset.DamagedError
		foreign *recordset.ForeignError
	)
	switch {
	case err == nil:
		return "believed"
	case errors.Is(err, recordset.ErrFormat):
		return "format"
	case errors.As(err, &damaged):
		return "damaged"
	case errors.As(err, &foreign):
		return "foreign"
	}
	return err.Error()
}

func TestDecode_whatIsNoSet(t *testing.T) {
	s := full()
	layers := mustEncode(t, s).Layers
	content := func(change func(s *recordset.Set)) string {
		s := full()
		change(&s)
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	whole := content(func(*recordset.Set) {})
	changed := func(change func(s *recordset.Set)) []byte { return annotated(t, content(change), layers) }
	index := sum("diff ID of a base")
	for _, test := range []struct {
		name     string
		manifest []byte
		want     string
	}{
		{"nothing wrong", annotated(t, whole, layers), "believed"},
		{"more layers", annotated(t, whole, append([]ocispec.Descriptor{layerOf("more")}, layers...)), "believed"},
		{"no content", nil, "damaged"},
		{"no JSON", []byte("<html>"), "damaged"},
		{"an image", []byte(`{"schemaVersion":2,"layers":[]}`), "damaged"},
		{"an annotation of another type", []byte(`{"annotations":{"` + recordset.Annotation + `":1}}`), "damaged"},
		{"the next format", withAnnotation(t, "2 something else", layers), "format"},
		{"no checksum", withAnnotation(t, "1", layers), "damaged"},
		{"another checksum", withAnnotation(t, fmt.Sprintf("1 %x %s", sha256.Sum256(nil), whole), layers), "damaged"},
		{"a checksum in capitals", withAnnotation(t, strings.ToUpper(fmt.Sprintf("1 %x ", sha256.Sum256([]byte(whole))))+whole, layers), "damaged"},
		{"empty JSON", annotated(t, "{}", layers), "damaged"},
		{"null", annotated(t, "null", layers), "damaged"},
		{"a list", annotated(t, "["+whole+"]", layers), "damaged"},
		{"two sets", annotated(t, whole+whole, layers), "damaged"},
		{"a bracket behind it", annotated(t, whole+"}", layers), "damaged"},
		{"cut", annotated(t, whole[:len(whole)-1], layers), "damaged"},
		{"a field more", annotated(t, strings.Replace(whole, "{", `{"more":1,`, 1), layers), "damaged"},
		{"a field more in a record", annotated(t, strings.Replace(whole, `{"key"`, `{"more":1,"key"`, 2), layers), "damaged"},
		{"another key", changed(func(s *recordset.Set) { s.Key = sum("other") }), "foreign"},
		{"no key", changed(func(s *recordset.Set) { s.Key = "\x1b[31m" }), "damaged"},
		{"no records", changed(func(s *recordset.Set) { s.Records = nil }), "damaged"},
		{"its own record is not the last one", changed(func(s *recordset.Set) { s.Records = append(s.Records, s.Records[0]) }), "damaged"},
		{"a record without a key", changed(func(s *recordset.Set) { s.Records[0].Key = "" }), "damaged"},
		{"a record on nothing", changed(func(s *recordset.Set) { s.Records[1].On = "sha256:1" }), "damaged"},
		{"a record without a result", changed(func(s *recordset.Set) { s.Records[2].Result = "" }), "damaged"},
		{"a layer without a digest", changed(func(s *recordset.Set) { s.Records[0].Blob.Digest = "../x" }), "damaged"},
		{"a layer without a size", changed(func(s *recordset.Set) { s.Records[0].Blob.Size = 0 }), "damaged"},
		{"a layer of another size", changed(func(s *recordset.Set) { s.Records[0].Blob.Size++ }), "damaged"},
		{"a layer of another type", changed(func(s *recordset.Set) { s.Records[0].Blob.MediaType = ocispec.MediaTypeImageLayer }), "damaged"},
		{"a layer from somewhere else", changed(func(s *recordset.Set) { s.Records[0].Blob.URLs = []string{"http://h/"} }), "damaged"},
		{"a layer that the image lacks", annotated(t, whole, layers[1:]), "damaged"},
		{"the index of nothing", changed(func(s *recordset.Set) { s.Indexes["x"] = s.Indexes[index] }), "damaged"},
		{"an index that the image lacks", annotated(t, whole, layers[:len(layers)-1]), "damaged"},
		{"an index without a diff ID", changed(func(s *recordset.Set) { s.Indexes[index] = recordset.Index{Blob: s.Indexes[index].Blob} }), "damaged"},
		{"an index without a layer", changed(func(s *recordset.Set) { s.Indexes[index] = recordset.Index{DiffID: index} }), "damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := recordset.Decode(test.manifest, s.Key)
			if kindOf(err) != test.want {
				t.Errorf("it is %s (%v), want %s", kindOf(err), err, test.want)
			}
			if err != nil && (len(got.Records) > 0 || strings.ContainsRune(err.Error(), '\x1b')) {
				t.Errorf("with the error %q it says %+v", err, got)
			}
		})
	}
}

// Each byte of a manifest counts, or says nothing.
func TestDecode_damaged(t *testing.T) {
	s := full()
	manifest := mustEncode(t, s).Manifest
	for at := range manifest {
		for _, bit := range []byte{1, 2, 0x20, 0x80} {
			damaged := append([]byte{}, manifest...)
			damaged[at] ^= bit
			got, _, err := recordset.Decode(damaged, s.Key)
			if kind := kindOf(err); kind != "damaged" && kind != "format" && (kind != "believed" || !cmp.Equal(s, got)) {
				t.Fatalf("with another byte at %d, it is %s: %+v", at, kind, got)
			}
		}
		if _, _, err := recordset.Decode(manifest[:at], s.Key); kindOf(err) != "damaged" {
			t.Fatalf("cut at %d, it is %s", at, kindOf(err))
		}
	}
}

// FuzzDecode fuzzes what is behind the checksum, which the fuzzer would never get through.
func FuzzDecode(f *testing.F) {
	s := full()
	content, err := json.Marshal(s)
	if err != nil {
		f.Fatal(err)
	}
	layers := mustEncode(f, s).Layers
	f.Add(string(content))
	f.Add(`{"key":"` + string(s.Key) + `","records":[]}`)
	f.Fuzz(func(t *testing.T, content string) {
		got, _, err := recordset.Decode(annotated(t, content, layers), s.Key)
		if kind := kindOf(err); kind != "believed" {
			if kind != "damaged" && kind != "foreign" {
				t.Errorf("it is %s", kind)
			}
			return
		}
		e, err := got.Encode(amd64)
		if err != nil {
			return // it is too long
		}
		for _, l := range e.Layers {
			if empty, _ := recordset.Empty(); !cmp.Equal(l, empty.Blob) && !strings.Contains(fmt.Sprint(layers), string(l.Digest)) {
				t.Errorf("it names the layer %s, which the image lacks", l.Digest)
			}
		}
		again, _, err := recordset.Decode(e.Manifest, s.Key)
		if err != nil || !again.Equal(got) || again.Refreshed(got) {
			t.Errorf("encoded again, it is %+v, %v", again, err)
		}
	})
}
