package llb

import "github.com/moby/buildkit/client/llb"

// AgainID begins the IDs of secrets that nobody has, and that tell a run of a command from earlier ones. No secret of a run step has such an ID.
const AgainID = "pulpimg/again/"

// Again returns the image with a next command that counts as another one than with any other value, and does the same. So a command runs that
// an engine has run before, and everything that is made of it is another thing to the engine. To ignore the engine's cache would not do: the
// cache would have two results of one command, and a later build would get the one or the other.
func (i Image) Again(value string) Image {
	i.again = value
	return i
}

// runAgain makes a command another one for an engine's cache without changing what it sees. Every mount counts for the cache, and one of a
// secret that is optional and that nobody has is not made.
// https://github.com/moby/buildkit/blob/v0.34.2/solver/llbsolver/ops/exec.go (CacheMap)
// https://github.com/moby/buildkit/blob/v0.34.2/solver/llbsolver/mounts/mount.go (getSecretMountable)
func runAgain(value string) []llb.RunOption {
	if value == "" {
		return nil
	}
	return []llb.RunOption{llb.AddSecret("/run/pulpimg/again", llb.SecretID(AgainID+value), llb.SecretOptional)}
}
