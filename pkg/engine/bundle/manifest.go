package bundle

// ManifestName is the file in bin/ that lists the others.
const ManifestName = "manifest.json"

// Manifest lists the programs of a bundle. The command in build/ writes it.
type Manifest struct {
	// Arch is the GOARCH that the programs were compiled for.
	Arch     string    `json:"arch"`
	Programs []Program `json:"programs"`
}

// Program is one file of a bundle.
type Program struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"` // of its Go module; empty for a part of pulpimg
	Size    int64  `json:"size"`              // in bytes, uncompressed
	SHA256  string `json:"sha256"`            // of the uncompressed bytes, in hexadecimal
	Packed  int64  `json:"packed"`            // size in bytes as embedded
	Inputs  string `json:"inputs"`            // digest of what it was compiled from
}

// Size returns how many bytes all programs take on disk.
func (m Manifest) Size() int64 {
	var n int64
	for _, p := range m.Programs {
		n += p.Size
	}
	return n
}

// Version returns the version of a program, or nothing if there is no such program.
func (m Manifest) Version(name string) string {
	for _, p := range m.Programs {
		if p.Name == name {
			return p.Version
		}
	}
	return ""
}
