// Package layer writes the layers of steps that only add files: tar streams whose bytes depend on the files and on nothing else,
// neither on the clock nor on what the engine does.
//
// A layer has entries for the parent directories of its files. Whoever unpacks it gives these directories the attributes of the entries,
// and invents attributes for directories without one. So a layer has an entry for every parent directory, with the attributes and
// the real path that the directory has in the image below: a file /lib/x, where /lib is a symbolic link to usr/lib, yields the entries
// usr, usr/lib and usr/lib/x. The interface Tree describes the image below.
//
// The package does not know steps or images, nor how a layer gets into one.
package layer
