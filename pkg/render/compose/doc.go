// Package compose writes a Compose file that runs the images of a family together on one machine.
// https://github.com/compose-spec/compose-spec/blob/main/spec.md
//
// The file runs the images of the family, and not the services that they need: the environment says where those are.
package compose
