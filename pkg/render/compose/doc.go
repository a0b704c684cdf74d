// Package compose writes a Compose file that runs the images of a family together on one machine.
// https://github.com/compose-spec/compose-spec/blob/main/spec.md
//
// It says how the family's images run, and nothing of the services that they need: those are wherever the environment says.
package compose
