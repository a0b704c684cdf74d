// Package engine decides which BuildKit a command uses, and returns a client of it: the one inside this binary (embedded, the default) or
// one that runs elsewhere (remote). Callers get a *client.Client and need not know which it is.
//
// The embedded engine is buildkitd with runc. They are unpacked once into the user's cache directory, and run as a child of this process
// while the command needs them:
//
//	CACHE/engine/lock           held while an engine runs; has the process ID of the pulpimg that runs it
//	CACHE/engine/bin-DIGEST/    the programs of package bundle
//	CACHE/engine/state/         what buildkitd keeps: snapshots, blobs, records
//	CACHE/engine/buildkitd.log  of the last run; .old is that of the run before
//
// The child is process 1 of a PID namespace, and waits on a pipe whose other end only this process holds. However this process ends, the
// kernel closes the pipe. Then the child ends, and the kernel ends all processes of the namespace with it. So neither buildkitd nor a
// container of a build outlives pulpimg. See the command in bundle/engine-init.
//
// Root of the machine needs nothing more. For an ordinary user, the child is also the first process of a user namespace, in which the user is
// root and has the IDs that /etc/subuid and /etc/subgid give; newuidmap(1) and newgidmap(1) map them. This process makes the namespace
// itself, so that a profile of AppArmor for this program is enough.
//
// It does not build: package build does that, with the client.
package engine
