package schema

func file() *Object {
	return &Object{
		Name:        "copy",
		Description: "A file or a directory that an image gets: of the spec's folder, where files belong to root, or of an image.",
		Keys: []Key{
			{Name: "image", Type: String{Form: Base, Scope: AtBuild}, Example: "build",
				Description: "The image to take from: one of this family, or the reference of one from outside. Left out, the spec's folder."},
			{Name: "from", Required: true, Type: String{Form: CopySource, Scope: AtBuild}, Example: "app",
				Description: "The file or directory, or a pattern with `*`, `?` and `[...]` for several: in the spec's folder, outside of which nothing is read, or the absolute path in the `image`."},
			{Name: "to", Required: true, Type: String{Form: Path, Scope: AtBuild}, Example: "/srv/app",
				Description: "Where it goes in the image. One that ends in `/` is a directory to copy a file into; the content of a directory goes below it. For a pattern it has to end in `/`."},
			{Name: "mode", Type: Mode{FileMode}, Example: `"0440"`,
				Description: "The mode of the files. Left out, 0755 for those of the folder that are executable and 0644 for the others; those of an image keep theirs."},
			owner("Whom the files belong to, and the directories that are copied.", "Left out, root; what is of an image keeps its owner."),
			{Name: "exclude", Type: words(ExcludePattern, AtBuild), Default: "[]", Example: `["**/*_test.go", .git]`,
				Description: "What is left out: patterns as in a `.dockerignore`, relative to the directory that is copied. A pattern with a `!` brings back what those before it leave out."},
		},
	}
}

func directory() *Object {
	return &Object{
		Name:        "directory",
		Description: "A directory that an image gets. One that is there already gets the owner and the mode that are given.",
		Keys: []Key{
			{Name: "path", Required: true, Type: String{Form: Path, Scope: AtBuild}, Example: "/var/lib/app",
				Description: "The directory in the image. Those above it are made, of root and with mode 0755. Symbolic links lead to the one that is meant."},
			{Name: "mode", Type: Mode{FileMode}, Example: `"2775"`,
				Description: "Its mode. Left out, a new one has 0755."},
			owner("Whom it belongs to.", "Left out, root for a new one."),
		},
	}
}

func owner(whom, otherwise string) Key {
	return Key{Name: "owner", Type: String{Form: UserGroup, Scope: AtBuild}, Example: `"65532:65532"`,
		Description: whom + " A number, or a name as `/etc/passwd` and `/etc/group` of the image have it; without `:GROUP`, the group is that of the user, or has the number of the user. " + otherwise}
}
