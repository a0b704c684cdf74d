// Package dockerfile writes a family as ordinary Dockerfiles: a build context for each image, with its Dockerfile and exactly the files
// that it copies, and at the top a docker-bake.hcl and a build.sh that build them in order.
//
// The images are those that package llb describes for BuildKit; the tests under test/parity build both and compare. What a
// Dockerfile cannot know is its base image, and so the package writes instructions that are right for any base: a file is copied into its
// directory, never to its own name, because the directory may be reached through symbolic links and what is in the file's place must not be
// followed; and --link, which creates the directories above a file, is used only where these are certain.
//
// The package is pure: the same family gives the same bytes. It does not write files, and it knows nothing of BuildKit.
package dockerfile
