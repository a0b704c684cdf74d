package treeindex_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/treeindex"
)

// found is a file of a tree.
type found struct {
	layer.Info
	Content string
}

// encoded returns an index after it was encoded and decoded.
func encoded(t *testing.T, index *treeindex.Index) *treeindex.Index {
	t.Helper()
	data, err := index.Encode()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := treeindex.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// filesOf describes all files of a tree. The content of a file of these tests says its layer and header.
func filesOf(t *testing.T, tree *treeindex.Tree, numbers []int) map[string]found {
	t.Helper()
	all := map[string]found{}
	var in func(dir string)
	in = func(dir string) {
		names, err := tree.Names(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			p := path.Join(dir, name)
			info, err := tree.Lstat(t.Context(), p)
			if err != nil || info == nil {
				t.Fatalf("%q is a name, and its information %v, %v", p, info, err)
			}
			file := found{Info: *info}
			if at, header, ok := tree.Origin(p); ok {
				file.Content = fmt.Sprintf("%d/%d", numbers[at], header)
			}
			file.UID, file.GID = ownAsRoot(file.UID, os.Getuid()), ownAsRoot(file.GID, os.Getgid())
			all[p] = file
			if info.Mode.IsDir() {
				in(p)
			}
		}
	}
	in("/")
	return all
}

// ownAsRoot returns 0 for the user of the test: whoever unpacks owns what no entry describes.
func ownAsRoot(id, own int) int {
	if id == own {
		return 0
	}
	return id
}

// A tarball is a layer of random entries.
type tarball struct{ headers []*tar.Header }

func (a *tarball) add(h *tar.Header) { a.headers = append(a.headers, h) }

// bytes returns the tar. The content of a file is the number of the layer and that of its header.
func (a *tarball) bytes(t testing.TB, layer int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i, h := range a.headers {
		var content string
		if h.Typeflag == tar.TypeReg && !strings.HasPrefix(path.Base(h.Name), ".wh.") {
			content = fmt.Sprintf("%d/%d", layer, i)
		}
		h.Size = int64(len(content))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// String implements fmt.Stringer.
func (a *tarball) String() string {
	var out strings.Builder
	for _, h := range a.headers {
		fmt.Fprintf(&out, "%c %q %q %o %d:%d %q\n", h.Typeflag, h.Name, h.Linkname, h.Mode, h.Uid, h.Gid, h.PAXRecords)
	}
	return out.String()
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// anyPath returns a path of up to three names.
func anyPath(r *rand.Rand) string {
	parts := []string{pick(r, "a", "b", "lib")}
	for len(parts) < 3 && r.IntN(3) > 0 {
		parts = append(parts, pick(r, "a", "b", "c", "\xff\xfe"))
	}
	return strings.Join(parts, "/")
}

// attributes gives a header a mode, an owner and extended attributes that the test's user may set.
func attributes(r *rand.Rand, h *tar.Header) *tar.Header {
	h.Mode = pick[int64](r, 0o755, 0o700, 0o644, 0o4755, 0o1777, 0o2775)
	if h.Typeflag == tar.TypeDir {
		h.Mode |= 0o700 // or only root could go on
	}
	h.Uid, h.Gid = os.Getuid(), os.Getgid()
	xattrs := []string{"user.a", "user.b", "trusted.a", "unknown.a"}
	if os.Getuid() == 0 {
		h.Uid, h.Gid = pick(r, 0, 1000, 3_000_000), pick(r, 0, 50, 1<<31)
		xattrs = append(xattrs, "security.selinux", "security.capability")
	}
	for _, name := range xattrs {
		if r.IntN(6) > 0 {
			continue
		}
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		value := fmt.Sprint(r.IntN(10))
		if name == "security.capability" {
			if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeLink {
				continue
			}
			value = "\x00\x00\x00\x02\x00\x20" + strings.Repeat("\x00", 14) // VFS_CAP_REVISION_2 with one bit: capabilities(7)
		}
		h.PAXRecords["SCHILY.xattr."+name] = value
	}
	return h
}

// entry returns an entry for a path.
func entry(r *rand.Rand, p string, kinds ...byte) *tar.Header {
	h := &tar.Header{Name: pick(r, "", "", "./", "/", "../../", "a/../") + p, Typeflag: pick(r, kinds...)}
	switch h.Typeflag {
	case tar.TypeSymlink:
		h.Linkname = pick(r, "a", "../b", "/lib", "/a/b", "nowhere", ".", "..", "b/../c", "/a/../lib", "../../../b")
	case tar.TypeLink:
		h.Linkname = pick(r, "", "./", "/") + anyPath(r)
	case tar.TypeChar, tar.TypeBlock:
		h.Devmajor, h.Devminor = 1, 3
	}
	return attributes(r, h)
}

func kinds() []byte {
	all := []byte{
		tar.TypeDir, tar.TypeDir, tar.TypeDir, tar.TypeReg, tar.TypeReg, tar.TypeReg, tar.TypeReg, tar.TypeSymlink, tar.TypeSymlink, tar.TypeLink,
		tar.TypeLink, tar.TypeFifo,
	}
	if os.Getuid() == 0 {
		all = append(all, tar.TypeChar, tar.TypeBlock)
	}
	return all
}

// wildLayer returns a layer of anything. Some have names several times, and the others have whiteouts, also of names that they have.
func wildLayer(r *rand.Rand, _ *treeindex.Tree) *tarball { return anyLayer(r, true) }

// overlayLayer returns a layer without whiteouts of names that it has, of which containerd makes a mess, and without one of the whole root,
// which the kernel ignores.
func overlayLayer(r *rand.Rand, _ *treeindex.Tree) *tarball { return anyLayer(r, false) }

func anyLayer(r *rand.Rand, ownWhiteouts bool) *tarball {
	a := &tarball{}
	again, seen := r.IntN(2) == 0, map[string]bool{}
	for range r.IntN(9) {
		p := anyPath(r)
		if !seen[p] || again {
			h := entry(r, p, kinds()...)
			if before := len(a.headers); h.Typeflag == tar.TypeLink && before > 0 {
				h.Linkname = a.headers[r.IntN(before)].Name
			}
			a.add(h)
		}
		seen[p] = true
	}
	for range r.IntN(3) {
		p := anyPath(r)
		switch {
		case r.IntN(3) == 0:
			if in := pick(r, "", p+"/"); in != "" || ownWhiteouts {
				a.whiteout(r, in+".wh..wh..opq")
			}
		case !again && (ownWhiteouts || !seen[p]):
			a.whiteout(r, path.Join(path.Dir(p), ".wh."+path.Base(p)))
			seen[p] = true
		}
	}
	return a
}

// whiteout adds a whiteout anywhere.
func (a *tarball) whiteout(r *rand.Rand, name string) {
	h := attributes(r, &tar.Header{Name: name, Typeflag: tar.TypeReg})
	a.headers = slices.Insert(a.headers, r.IntN(len(a.headers)+1), h)
}

// carefulLayer returns a layer as builders make them: each name once, after its directory. It has hard links to files of layers below, too.
func carefulLayer(r *rand.Rand, below *treeindex.Tree) *tarball {
	a := &tarball{}
	dirs, seen := []string{""}, map[string]bool{}
	for range r.IntN(12) {
		p := path.Join(pick(r, dirs...), pick(r, "a", "b", "c"))
		if strings.Count(p, "/") > 3 || seen[p] {
			continue
		}
		seen[p] = true
		switch kind := pick(r, append(kinds(), 'w', 'l')...); kind {
		case 'w':
			a.add(attributes(r, &tar.Header{Name: path.Join(path.Dir(p), ".wh."+path.Base(p)), Typeflag: tar.TypeReg}))
		case 'l':
			if h := linkBelow(r, below, seen); h != nil {
				h.Name = p
				a.add(h)
			}
		case tar.TypeDir:
			h := entry(r, p, kind)
			h.Name, h.PAXRecords = p+"/", nil // what the directory had before stays, if one directory is for all
			a.add(h)
			if r.IntN(4) == 0 {
				a.add(attributes(r, &tar.Header{Name: p + "/.wh..wh..opq", Typeflag: tar.TypeReg}))
			}
			dirs = append(dirs, p)
		case tar.TypeReg, tar.TypeFifo:
			h := entry(r, p, kind)
			h.Name = p
			a.add(h)
		}
	}
	return a
}

// linkBelow returns a hard link of a file at the top of a tree, with the attributes of the file. It returns nil if there is none.
func linkBelow(r *rand.Rand, tree *treeindex.Tree, seen map[string]bool) *tar.Header {
	names, _ := tree.Names(context.Background(), "/")
	for _, at := range r.Perm(len(names)) {
		info, err := tree.Lstat(context.Background(), "/"+names[at])
		if err != nil || !info.Mode.IsRegular() || seen[names[at]] {
			continue
		}
		seen[names[at]] = true // the layer has it no more
		h := &tar.Header{Typeflag: tar.TypeLink, Linkname: names[at], Mode: int64(info.Mode.Perm()), Uid: info.UID, Gid: info.GID}
		h.PAXRecords = map[string]string{}
		for name, value := range info.Xattrs {
			h.PAXRecords["SCHILY.xattr."+name] = value
		}
		for bit, mode := range map[int64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
			if info.Mode&mode != 0 {
				h.Mode |= bit
			}
		}
		return h
	}
	return nil
}
