// Lab is the offline stand-in for what the network would give to a build of
// the specs: base images in a real registry, a yum repository, and a BuildKit
// source policy that redirects an unmodified spec to them and denies the rest;
// on request also the database and the broker that the built images talk to.
//
// See README.md for how to use it. The program is for this project's tests and
// demonstration; it is not part of pulpimg and must not import it.
package main
