// Package engine decides which BuildKit a command uses, and returns a client of it: the one inside this binary (embedded, the default) or
// one that runs elsewhere (remote). Callers get a *client.Client and need not know which it is.
//
// The embedded engine is buildkitd with runc. They are unpacked once into the user's cache directory, and run as a child of this process
// while the command needs them:
//
//	CACHE/engine/lock           held while an engine runs; has the process ID of the pulpimg that started it
//	CACHE/engine/users          shared by all that use the engine
//	CACHE/engine/running.json   what the engine that runs was started with
//	CACHE/engine/run/           in a user namespace, what stands for /run
//	CACHE/engine/bin-DIGEST/    the programs of package bundle
//	CACHE/engine/state/         what buildkitd keeps: snapshots, blobs, records
//	CACHE/engine/buildkitd.log  the log of the last run; buildkitd.log.old has the one before
//
// The child is process 1 of a PID namespace. Any number of processes of a user share the engine, and with it a lock, which the kernel
// releases however they end. When the child gets the lock alone, it ends, and the kernel ends all processes of the namespace with it. So
// neither buildkitd nor a container of a build outlives the last pulpimg that uses the engine. See the command in bundle/engine-init.
//
// Root of the machine needs nothing more. For an ordinary user, the child is also the first process of a user namespace, in which the user is
// root and has the IDs that /etc/subuid and /etc/subgid give; newuidmap(1) and newgidmap(1) map them. This process makes the namespace
// itself, so that a profile of AppArmor for this program is enough.
//
// It does not build: package build does that, with the client.
package engine
