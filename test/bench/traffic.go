package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A request is one that a wire has seen.
type request struct {
	method, path   string
	digest         string // of the blob that an upload ends with; empty for others
	begin, end     time.Time
	sent, received int64 // bytes of the bodies
}

// traffic is all requests of a build.
type traffic []request

// depth is the length of the longest chain of requests of which each begins only after the one before it was answered. What ends first never
// makes a chain shorter, so the longest is the one of the earliest ends.
func (t traffic) depth() int { return len(t.chain()) }

func (t traffic) chain() traffic {
	byEnd := slices.SortedFunc(slices.Values(t), func(a, b request) int { return a.end.Compare(b.end) })
	var chain traffic
	for _, r := range byEnd {
		if len(chain) == 0 || !r.begin.Before(chain[len(chain)-1].end) {
			chain = append(chain, r)
		}
	}
	return chain
}

// sent is how many bytes went to the servers.
func (t traffic) sent() (n int64) {
	for _, r := range t {
		n += r.sent
	}
	return n
}

// sentOf is how many bytes of some blobs went to the servers. An upload is one path, which the request with the digest ends.
func (t traffic) sentOf(digests map[string]bool) (n int64) {
	open := map[string]int64{}
	for _, r := range slices.SortedFunc(slices.Values(t), func(a, b request) int { return a.begin.Compare(b.begin) }) {
		open[r.path] += r.sent
		if r.digest == "" {
			continue
		}
		if digests[r.digest] {
			n += open[r.path]
		}
		delete(open, r.path)
	}
	return n
}

// receivedOf is how many bytes of some blobs came from the servers.
func (t traffic) receivedOf(digests map[string]bool) (n int64) {
	for _, r := range t {
		if _, digest, ok := strings.Cut(r.path, "/blobs/"); ok && digests[digest] {
			n += r.received
		}
	}
	return n
}

// String lists the requests of the longest chain.
func (t traffic) String() string {
	var lines []string
	for _, r := range t.chain() {
		lines = append(lines, fmt.Sprintf("%s %s", r.method, r.path))
	}
	return strings.Join(lines, ", ")
}

// kinds counts the requests by what they are about.
func (t traffic) kinds() string {
	counts := map[string]int{}
	for _, r := range t {
		what := r.path
		for _, kind := range []string{"manifests", "blobs/uploads", "blobs"} {
			if strings.Contains(r.path, "/"+kind+"/") {
				what = kind
				break
			}
		}
		if strings.Contains(r.path, "/manifests/sha256:") {
			what += " by digest"
		}
		counts[r.method+" "+what]++
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	return strings.Join(all, ", ")
}
