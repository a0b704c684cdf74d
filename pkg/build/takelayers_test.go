package build

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
)

// regular is an entry for a regular file with the content of its name, and named an entry of any type.
func regular(name, content string, mode int64) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode}, content}
}

func named(kind byte, name, link string) entry {
	return entry{tar.Header{Name: name, Typeflag: kind, Linkname: link, Mode: 0o755}, ""}
}

// with changes the header of an entry.
func (e entry) with(change func(h *tar.Header)) entry {
	change(&e.Header)
	return e
}

// takeWithout plans a family that takes from an image outside, without an engine, and returns its last layer.
func takeWithout(t *testing.T, copyStep string, layers ...[]byte) (layer.Layer, error) {
	t.Helper()
	s := newSite(t)
	s.write("f.yaml", specHeader+"  app:\n    from: scratch\n    steps: [ files: "+strings.Replace(copyStep, "%", `"`+outsideImage(t, layers...)+`"`, 1)+" ]\n")
	return lastLayer(t, s, s.builder())
}

// lastLayer plans a family without an engine, and returns the last layer of its last image.
func lastLayer(t *testing.T, s *site, b builder) (layer.Layer, error) {
	t.Helper()
	r := run{family: b.family, opts: b.settings, forecast: s.foresee(b), watch: quietWatcher(t, b)}
	planned, err := r.planWithoutEngine(t.Context())
	if err != nil {
		return layer.Layer{}, err
	}
	made := planned.images[len(planned.images)-1].image.AppendedLayers()
	return made[len(made)-1], nil
}

func quietWatcher(t *testing.T, b builder) *watcher {
	t.Helper()
	watch, err := startWatching(b.Progress, nil, b.family.Redact)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(watch.updates)
		if _, err := watch.wait(); err != nil {
			t.Error(err)
		}
	})
	return watch
}

// takeWith has an engine send an archive, and returns the layer.
func takeWith(t *testing.T, copyStep string, data []byte, names ...string) (layer.Layer, error) {
	t.Helper()
	spec := specHeader + "  app:\n    from: scratch\n    steps: [ files: " + strings.Replace(copyStep, "%", `"debian:12"`, 1) + " ]\n"
	p, _ := takingPlanner(t, spec, newFakeEngine(t, names...), data)
	planned, err := p.plan(t.Context())
	if err != nil {
		return layer.Layer{}, err
	}
	made := planned.images[0].image.AppendedLayers()
	return made[len(made)-1], nil
}

// Both ways to take files out of an image make the same layer.
func TestTakeLayers_likeAnEngine(t *testing.T) {
	const xattr = layer.XattrRecord + "security.capability"
	for _, test := range []struct {
		name, step string
		layers     [][]entry
		sent       []entry // by an engine, below taken/0 and so on
		names      []string
	}{
		{
			"a directory", "{ image: %, from: /out, to: /data }",
			[][]entry{{regular("out/b", "b", 0o644), regular("out/a", "a", 0o755).with(func(h *tar.Header) { h.Uid, h.Gid = 7, 8 }), named(tar.TypeDir, "out/sub", "")}},
			[]entry{named(tar.TypeDir, "0", ""), regular("0/a", "a", 0o755).with(func(h *tar.Header) { h.Uid, h.Gid = 7, 8 }), regular("0/b", "b", 0o644), named(tar.TypeDir, "0/sub", "")},
			[]string{"out/a", "out/b"},
		},
		{
			"a file", "{ image: %, from: /out/a, to: /usr/bin/ }",
			[][]entry{{regular("out/a", "a", 0o755)}}, []entry{regular("0", "a", 0o755)}, []string{"out/a"},
		},
		{
			"set-id and sticky bits", "{ image: %, from: /out, to: /data }",
			[][]entry{{regular("out/s", "s", 0o6755), named(tar.TypeDir, "out/tmp", "").with(func(h *tar.Header) { h.Mode = 0o1777 })}},
			[]entry{named(tar.TypeDir, "0", ""), regular("0/s", "s", 0o6755), named(tar.TypeDir, "0/tmp", "").with(func(h *tar.Header) { h.Mode = 0o1777 })},
			[]string{"out/s"},
		},
		{
			"hard links", "{ image: %, from: /out, to: /data }",
			[][]entry{{regular("out/a", "same", 0o755), named(tar.TypeLink, "out/z", "out/a"), named(tar.TypeLink, "out/m", "out/a")}},
			[]entry{named(tar.TypeDir, "0", ""), regular("0/a", "same", 0o755), named(tar.TypeLink, "0/m", "taken/0/a"), named(tar.TypeLink, "0/z", "taken/0/a")},
			[]string{"out/a"},
		},
		{
			"symbolic links", "{ image: %, from: /out, to: /data }",
			[][]entry{{regular("out/a", "a", 0o755), named(tar.TypeSymlink, "out/l", "a"), named(tar.TypeSymlink, "out/away", "/etc")}},
			[]entry{named(tar.TypeDir, "0", ""), regular("0/a", "a", 0o755), named(tar.TypeSymlink, "0/away", "/etc"), named(tar.TypeSymlink, "0/l", "a")},
			[]string{"out/a"},
		},
		{
			"extended attributes", "{ image: %, from: /out, to: /data }",
			[][]entry{{regular("out/a", "a", 0o755).with(func(h *tar.Header) { h.PAXRecords = map[string]string{xattr: "\x01\x00\x00\x02"} })}},
			[]entry{named(tar.TypeDir, "0", ""), regular("0/a", "a", 0o755).with(func(h *tar.Header) { h.PAXRecords = map[string]string{xattr: "\x01\x00\x00\x02"} })},
			[]string{"out/a"},
		},
		{
			"a pattern", `{ image: %, from: "/out/*.so", to: /lib/ }`,
			[][]entry{{regular("out/a.so", "a", 0o755), regular("out/b.so", "b", 0o755), regular("out/c", "c", 0o755)}},
			[]entry{regular("0", "a", 0o755), regular("1", "b", 0o755)},
			[]string{"out/a.so", "out/b.so", "out/c"},
		},
		{
			"what exclude leaves out", `{ image: %, from: /out, to: /data, exclude: ["*.a"] }`,
			[][]entry{{regular("out/x.a", "a", 0o644), regular("out/x.so", "b", 0o644)}},
			[]entry{named(tar.TypeDir, "0", ""), regular("0/x.a", "a", 0o644), regular("0/x.so", "b", 0o644)},
			[]string{"out/x.a", "out/x.so"},
		},
		{
			"several layers", "{ image: %, from: /out, to: /data }",
			[][]entry{
				{regular("out/a", "old", 0o755), regular("out/gone", "gone", 0o755), regular("out/keep", "keep", 0o600)},
				{regular("out/a", "new", 0o644), regular("out/.wh.gone", "", 0o644)},
			},
			[]entry{named(tar.TypeDir, "0", ""), regular("0/a", "new", 0o644), regular("0/keep", "keep", 0o600)},
			[]string{"out/a", "out/keep"},
		},
		{
			"an empty file, and a large one", "{ image: %, from: /out, to: /data }",
			[][]entry{{regular("out/empty", "", 0o644), regular("out/large", strings.Repeat("x", 3<<20), 0o644)}},
			[]entry{named(tar.TypeDir, "0", ""), regular("0/empty", "", 0o644), regular("0/large", strings.Repeat("x", 3<<20), 0o644)},
			[]string{"out/empty", "out/large"},
		},
		{
			"owner and mode", "{ image: %, from: /out/a, to: /b, owner: \"3:4\", mode: \"0400\" }",
			[][]entry{{regular("out/a", "a", 0o755)}}, []entry{regular("0", "a", 0o755)}, []string{"out/a"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			layers := make([][]byte, len(test.layers))
			for i, entries := range test.layers {
				layers[i] = tarOf(t, entries...)
			}
			for i := range test.sent {
				test.sent[i].Name = llb.Taken[1:] + "/" + test.sent[i].Name
			}
			got, err := takeWithout(t, test.step, layers...)
			if err != nil {
				t.Fatal(err)
			}
			want, err := takeWith(t, test.step, tarOf(t, test.sent...), test.names...)
			if err != nil {
				t.Fatal(err)
			}
			if got.DiffID != want.DiffID || got.Blob.Digest != want.Blob.Digest {
				t.Errorf("without an engine it is %+v\nwith one          %+v", got.Entries, want.Entries)
			}
		})
	}
}

// What cannot be taken is refused in the same words.
func TestTakeLayers_errors(t *testing.T) {
	for _, test := range []struct {
		name, step string
		in         []entry
		want       string
	}{
		{"a device", "{ image: %, from: /dev, to: /dev }", []entry{named(tar.TypeChar, "dev/null", "").with(func(h *tar.Header) { h.Devmajor, h.Devminor = 1, 3 })}, "dev/null"},
		{"a pipe", "{ image: %, from: /run, to: /run }", []entry{named(tar.TypeFifo, "run/pipe", "")}, "run/pipe"},
		{"nothing", "{ image: %, from: /none, to: /x }", []entry{regular("a", "a", 0o644)}, "/none"},
		{"a pattern that finds nothing", `{ image: %, from: "/*.so", to: /x/ }`, []entry{regular("a", "a", 0o644)}, "/*.so"},
		{"several files for one place", `{ image: %, from: "/*", to: /x }`, []entry{regular("a", "a", 0o644), regular("b", "b", 0o644)}, "a directory for them"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := takeWithout(t, test.step, tarOf(t, test.in...))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// A layer that is damaged on this machine is taken from its registry; if nobody has it, that is an error, and no other file.
func TestOpenLayer_damaged(t *testing.T) {
	data := tarOf(t, regular("out/a", "right", 0o755))
	s := newSite(t)
	reference := outsideImage(t, data)
	s.write("f.yaml", specHeader+"  app:\n    from: scratch\n    steps: [ files: { image: \""+reference+"\", from: /out, to: /x } ]\n")
	b := s.builder()
	base := s.foresee(b).Base(reference, amd64)
	in := b.layers.Blobs()
	damage := func() {
		t.Helper()
		wrong, err := os.ReadFile(in.Path(writeBlob(t, s, tarOf(t, regular("out/a", "wrong", 0o755)))))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(in.Path(base.Layers[0].Digest), wrong, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage()
	r, err := b.openLayer(t.Context(), base.Layers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || digest.FromBytes(got) != base.Layers[0].Digest {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if in.Has(base.Layers[0]) {
		t.Error("the damaged layer is still there")
	}
	damage()
	b = s.builder() // one that knows of no base
	if _, err := b.openLayer(t.Context(), base.Layers[0]); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("the error is %v", err)
	}
}

// writeBlob writes a blob into the store of layers.
func writeBlob(t *testing.T, s *site, data []byte) digest.Digest {
	t.Helper()
	store, err := s.cache.layers()
	if err != nil {
		t.Fatal(err)
	}
	desc, err := store.Blobs().Write("", data)
	if err != nil {
		t.Fatal(err)
	}
	return desc.Digest
}

// A layer of a base comes from its registry when an engine asks for it, once, and only with the right content.
func TestBaseStore(t *testing.T) {
	data := tarOf(t, regular("a", strings.Repeat("content", 1000), 0o644))
	s := newSite(t)
	reference := outsideImage(t, data)
	s.write("f.yaml", specHeader+"  app:\n    from: \""+reference+"\"\n    steps: [ run: \"true\" ]\n")
	b := s.builder()
	base := s.foresee(b).Base(reference, amd64)
	store, err := b.layerStore(s.into)
	if err != nil {
		t.Fatal(err)
	}
	if b.layers.Blobs().Has(base.Layers[0]) {
		t.Fatal("the forecast has brought the layer")
	}
	if info, err := store.Info(t.Context(), base.Layers[0].Digest); err != nil || info.Size != base.Layers[0].Size {
		t.Errorf("before, it is %+v, %v", info, err)
	}
	if _, err := store.Info(t.Context(), digest.FromString("of no base")); err == nil {
		t.Error("there is something of no base")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.ReaderAt(ctx, base.Layers[0]); err == nil || !strings.Contains(err.Error(), "getting a layer of "+reference) {
		t.Errorf("when nobody waits for it: %v", err)
	}
	for range 2 {
		r, err := store.ReaderAt(t.Context(), base.Layers[0])
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, r.Size())
		if _, err := r.ReadAt(got, 0); err != nil && err != io.EOF || digest.FromBytes(got) != base.Layers[0].Digest {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if !b.layers.Blobs().Has(base.Layers[0]) {
		t.Error("it is not kept")
	}
}
