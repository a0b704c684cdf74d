// Package llb turns a family into what an engine is given: BuildKit's LLB, and image configs.
//
// An image has two parts. The solve target is what only an engine can make: everything up to the image's last command. Definitions of
// one family share their vertices, so an engine that is given all targets runs every command once. The appended layers are those of the
// file steps after the last command, and come ready-made from package layer. They are added without the engine, so a role that adds a
// start script to its base costs an engine nothing.
//
// A solve target is a merge of layers: the base, the layers of file steps, as images of one layer in an OCI store, and the differences
// that commands made. So the layer of a file step stays up to date whatever is below it. A command runs on a root file system of its
// own: the base, with the files of the steps before it copied in one by one.
//
// The package is pure: the same family and inputs give the same bytes. It does not talk to an engine, and it is the only place that
// writes LLB.
package llb
