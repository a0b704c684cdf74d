package engine

// leftovers are the files that an engine leaves when it is killed or when the disk is full, as patterns below its directory. They are of no
// use to later runs, and some of them break every later run:
//
//   - BuildKit continues a half-written blob at the next attempt. It cannot do that if the blob comes from a session, which it reads only
//     forward (https://github.com/moby/buildkit/blob/v0.34.2/util/contentutil/fetcher.go). And if a full disk or a power cut damaged the
//     bytes, BuildKit notices only when the blob is complete, and never removes it.
//   - Other leftovers only take space: directories of containers that ran, programs that were being unpacked, a state that was being
//     removed, and records that buildkitd could not read and put aside.
var leftovers = []string{
	"state/*/content/ingest/*",
	"state/*/executor/*",
	"state/*.bak",
	binPrefix + "*" + newSuffix,
	"state" + removedSuffix,
}

const (
	newSuffix     = ".new"     // of what is being made
	removedSuffix = ".removed" // of what is being removed
)
