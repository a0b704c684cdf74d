package build

import (
	"encoding/json"
	"io/fs"
	"os"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/sealed"
)

// treesDir is the directory for trees below the store of layers. It ends with the version of the file format: change it with the format.
const treesDir = "trees.v2"

// A savedDir is an engineDir in a file. Whatever comes from the file system of a base is bytes and not text, which would have to be UTF-8.
type savedDir struct {
	Path  []byte      `json:"path"`
	Whole bool        `json:"whole,omitempty"`
	Names []savedName `json:"names,omitempty"`
}

// A savedName is a name in a directory. It has no file if the directory has no such name.
type savedName struct {
	Name []byte     `json:"name"`
	File *savedFile `json:"file,omitempty"`
	// Content is the content of a file that was read.
	Content *[]byte `json:"content,omitempty"`
}

type savedFile struct {
	Mode   fs.FileMode  `json:"mode"`
	UID    int          `json:"uid,omitempty"`
	GID    int          `json:"gid,omitempty"`
	Target []byte       `json:"target,omitempty"`
	Xattrs []savedXattr `json:"xattrs,omitempty"`
}

type savedXattr struct {
	Name  []byte `json:"name"`
	Value []byte `json:"value"`
}

// encodeTree returns the content of a tree's file: a SHA-256 checksum, and JSON.
func encodeTree(dirs map[string]*engineDir) ([]byte, error) {
	saved := make([]savedDir, 0, len(dirs))
	for path, dir := range dirs {
		names := make([]savedName, 0, len(dir.names))
		for name, info := range dir.names {
			saved := savedName{Name: []byte(name), File: newSavedFile(info)}
			if content, ok := dir.contents[name]; ok {
				saved.Content = &content
			}
			names = append(names, saved)
		}
		saved = append(saved, savedDir{Path: []byte(path), Whole: dir.whole, Names: names})
	}
	content, err := json.Marshal(saved)
	if err != nil {
		return nil, err
	}
	return sealed.Seal(content), nil
}

func newSavedFile(info *layer.Info) *savedFile {
	if info == nil {
		return nil
	}
	f := &savedFile{Mode: info.Mode, UID: info.UID, GID: info.GID, Target: []byte(info.Target)}
	for name, value := range info.Xattrs {
		f.Xattrs = append(f.Xattrs, savedXattr{Name: []byte(name), Value: []byte(value)})
	}
	return f
}

// readTree reads the file of a tree. It reports false for one that is not there or is damaged.
func readTree(file string) (map[string]*engineDir, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	return decodeTree(data)
}

func decodeTree(data []byte) (map[string]*engineDir, bool) {
	content, ok := sealed.Open(data)
	if !ok {
		return nil, false
	}
	var saved []savedDir
	if err := json.Unmarshal(content, &saved); err != nil {
		return nil, false
	}
	dirs := make(map[string]*engineDir, len(saved))
	for _, dir := range saved {
		read := &engineDir{names: make(map[string]*layer.Info, len(dir.Names)), whole: dir.Whole}
		for _, saved := range dir.Names {
			read.names[string(saved.Name)] = saved.File.info()
			if saved.Content != nil {
				read.keep(string(saved.Name), *saved.Content)
			}
		}
		dirs[string(dir.Path)] = read
	}
	return dirs, true
}

func (f *savedFile) info() *layer.Info {
	if f == nil {
		return nil
	}
	info := &layer.Info{Mode: f.Mode, UID: f.UID, GID: f.GID, Target: string(f.Target)}
	for _, x := range f.Xattrs {
		if info.Xattrs == nil {
			info.Xattrs = map[string]string{}
		}
		info.Xattrs[string(x.Name)] = string(x.Value)
	}
	return info
}
