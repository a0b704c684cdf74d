// Package layer writes the layers of steps that only add files: tar streams whose bytes depend on the files and on nothing else,
// neither on the clock nor on what the engine does.
//
// A layer that is made apart from what it goes on brings the parent directories of its files along, and whoever unpacks it gives
// these directories the attributes that the layer says, or makes some up when it says nothing. So a layer names every parent
// directory with the attributes that it has in the image below, and names it by its real path: writing to /lib/x where /lib is a
// symbolic link to usr/lib yields entries usr, usr/lib and usr/lib/x. What is below is asked through the interface Tree.
//
// The package does not know steps or images, nor how a layer gets into one.
package layer
