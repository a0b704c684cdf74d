package main

import (
	"context"
	"fmt"
)

// The image that the content is copied from is the same in both: the lab's base with the content.
const (
	sourceSpec = `version: 1
name: large
registry: docker.io/bench
tag: "1"
images:
  source:
    publish: false
    from: "docker.io/library/fedora:20"
    steps:
      - files: { from: content, to: /srv/content }
      - run: touch /srv/made
  large:
`
	copyScratchSpec = `    from: scratch
    steps:
      - files: { image: source, from: /srv/content, to: /srv/content }
`
	copyCommandSpec = `    from: "docker.io/library/fedora:20"
    steps:
      - files: { image: source, from: /srv/content, to: /srv/content }
      - run: touch /srv/done
`
	sourceDockerfile  = "FROM %[1]s/fedora:20 AS source\nCOPY content /srv/content\nRUN touch /srv/made\n"
	copyScratch       = "FROM scratch\nCOPY --link --from=source /srv/content /srv/content\n"
	copyBeforeCommand = "FROM %[1]s/fedora:20\nCOPY --link --from=source /srv/content /srv/content\nRUN touch /srv/done\n"
)

// copySpecs returns the spec and the Dockerfile of an image that copies the content from another one.
func (b largeBench) copySpecs() (spec, dockerfile string) {
	if b.command {
		return sourceSpec + copyCommandSpec, fmt.Sprintf(sourceDockerfile+copyBeforeCommand, b.lab.Registry)
	}
	return sourceSpec + copyScratchSpec, fmt.Sprintf(sourceDockerfile, b.lab.Registry) + copyScratch
}

// warm has both tools build the image that the content is copied from, so that what is measured is the copy.
func (b largeBench) warm(ctx context.Context, ours, theirs *place) error {
	if !b.copies {
		return nil
	}
	if _, _, err := ours.build(ctx, "source"); err != nil {
		return err
	}
	_, _, err := theirs.build(ctx, "--set", "default.target=source", "--set", "default.output=type=cacheonly")
	return err
}
