// Package policy writes the BuildKit source policy that lets an unmodified spec
// be built in the lab: sources that the specs name are converted to the lab's
// own, and every source that is not on this machine is denied.
//
// The format is BuildKit's, as buildctl's --source-policy-file reads it:
// https://docs.docker.com/build/policies/ and
// https://github.com/moby/buildkit/blob/v0.34.2/sourcepolicy/pb/policy.proto
package policy
