package schema

func file() *Object {
	return &Object{
		Name:        "copy",
		Description: "A file or a directory that an image gets: of the spec's folder, where files belong to root, or of an image.",
		Keys: []Key{
			{Name: "image", Type: String{Form: Base, Scope: AtBuild}, Example: "build",
				Description: "The image to take from: one of this family, or the reference of one from outside. Left out, the spec's folder."},
			{Name: "from", Required: true, Type: String{Form: CopySource, Scope: AtBuild}, Example: "app",
				Description: "The file or directory: in the spec's folder, outside of which nothing is read, or the absolute path in the `image`."},
			{Name: "to", Required: true, Type: String{Form: Path, Scope: AtBuild}, Example: "/srv/app",
				Description: "Where it goes in the image. One that ends in `/` is a directory to copy a file into; the content of a directory goes below it."},
			{Name: "mode", Type: Mode{FileMode}, Example: `"0440"`,
				Description: "The mode of the files. Left out, 0755 for those of the folder that are executable and 0644 for the others; those of an image keep theirs."},
		},
	}
}
