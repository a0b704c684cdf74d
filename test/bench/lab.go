package main

import (
	"errors"
	"os"
)

// A lab is where the base image and the packages come from, and the images go to. See test/lab.
type lab struct {
	registry string // HOST:PORT
	mirror   string // URL of the web server with the .repo file
	policy   string // file with the source policy that leads the unmodified spec there
}

func findLab() (lab, error) {
	l := lab{os.Getenv("LAB_REGISTRY"), os.Getenv("LAB_REPO_URL"), os.Getenv("LAB_POLICY")}
	if l.registry == "" || l.mirror == "" || l.policy == "" {
		return lab{}, errors.New("there is no lab: run me with bin/lab run -- bin/bench, or make bench")
	}
	return l, nil
}
