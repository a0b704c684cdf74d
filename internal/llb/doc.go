// Package llb turns a family into what an engine is given: BuildKit's LLB, and image configs.
//
// An image has a head and a tail. The head is what only an engine can make: everything up to the image's last command. Definitions of
// one family share their vertices, so an engine that is given all heads runs every command once. The tail are the layers of the file
// steps after that, which come ready-made from package layer. Because the tail is put on without the engine, a role that adds a start
// script to its base costs an engine nothing.
//
// How a head is put together. Its layers are merged: the base, the layers of file steps, as images of one layer in an OCI store, and
// the differences that commands made. So nothing that a file step stands on decides whether it is up to date. A command runs on a root
// file system of its own: the base, with the files of the steps before it copied in one by one.
//
// The package is pure: the same family and inputs give the same bytes. It does not talk to an engine, and it is the only place that
// writes LLB.
package llb
