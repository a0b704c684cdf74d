package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/internal/recordrepo"
)

// A recordList is what `pulpimg records list --format json` prints. Keys are added, never changed.
type recordList struct {
	Repositories []recordRepository `json:"repositories"`
}

type recordRepository struct {
	Repository string      `json:"repository"`
	Sets       []recordSet `json:"sets"`
	// Size counts the layers that no published image has, each once.
	Size int64 `json:"size"`
}

type recordSet struct {
	Key      string           `json:"key"`
	Tag      string           `json:"tag"`
	Digest   string           `json:"digest"`
	State    recordrepo.State `json:"state"`
	Problem  string           `json:"problem,omitempty"`
	Records  int              `json:"records"`
	Commands int              `json:"commands"`
	Size     int64            `json:"size"`
	Ran      *time.Time       `json:"ran,omitempty"`
	UsedBy   []string         `json:"used_by"`
	Needed   bool             `json:"needed"`
}

func newRecordList(repositories []recordrepo.Repository, age time.Duration) recordList {
	list := recordList{Repositories: []recordRepository{}}
	for _, r := range repositories {
		out := recordRepository{Repository: r.Name, Sets: []recordSet{}, Size: r.Size()}
		for _, s := range r.Sets {
			out.Sets = append(out.Sets, newRecordSet(s, r.Needed(s, age)))
		}
		list.Repositories = append(list.Repositories, out)
	}
	return list
}

func newRecordSet(s recordrepo.Set, needed bool) recordSet {
	_, tag := cutTag(s.Reference)
	return recordSet{
		Key: s.Key.String(), Tag: tag, Digest: s.Digest.String(), State: s.State, Problem: s.Problem, Records: s.Records, Commands: s.Commands,
		Size: s.Size, Ran: unlessZero(s.Ran), UsedBy: append([]string{}, s.UsedBy...), Needed: needed,
	}
}

// recordTable prints the sets of repositories.
func recordTable(w io.Writer, repositories []recordrepo.Repository, now time.Time) error {
	table := newTable(w, "REPOSITORY", "KEY", "RECORDS", "SIZE", "RAN", "USED BY")
	sets, bytes := 0, int64(0)
	for _, r := range repositories {
		sets += len(r.Sets)
		bytes += r.Size()
		for _, s := range r.Sets {
			table.row(append(recordCells(s, now), usersOf(s))...)
		}
	}
	if sets > 0 {
		if err := table.flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s in %s; %s of layers that no published image has\n", setCount(sets), count(len(repositories), "repository"), size(bytes))
	return err
}

// recordCells returns the columns that say which set it is.
func recordCells(s recordrepo.Set, now time.Time) []string {
	repository, _ := cutTag(s.Reference)
	ran, records := "", ""
	if !s.Ran.IsZero() {
		ran = units.HumanDuration(now.Sub(s.Ran)) + " ago"
	}
	if s.State == recordrepo.Readable {
		records = fmt.Sprint(s.Records)
	}
	return []string{repository, s.Key.Encoded()[:12], cmp.Or(records, "-"), size(s.Size), cmp.Or(ran, "-")}
}

// maxUsers is how many of the images that use a set are named.
const maxUsers = 3

// usersOf says who uses a set.
func usersOf(s recordrepo.Set) string {
	switch {
	case s.State == recordrepo.Damaged:
		return "no image: " + diagnostic.Visible(s.Problem)
	case s.State != recordrepo.Readable:
		return "unknown: " + diagnostic.Visible(s.Problem)
	case len(s.UsedBy) > maxUsers:
		return fmt.Sprintf("%s and %d more", strings.Join(s.UsedBy[:maxUsers], ", "), len(s.UsedBy)-maxUsers)
	}
	return cmp.Or(strings.Join(s.UsedBy, ", "), "no image")
}

// setCount counts sets of records.
func setCount(n int) string {
	if n == 1 {
		return "1 set of records"
	}
	return fmt.Sprintf("%d sets of records", n)
}

// A prunePlan says which sets are not needed.
type prunePlan struct {
	remove  []recordrepo.Set
	size    int64 // of the layers that are needed for nothing then
	sets    int   // all of them
	strange []recordrepo.Set
	removed []string // the references of those that are gone
	shared  string   // the repository that has the records of other images than its own
}

func newPrunePlan(repositories []recordrepo.Repository, age time.Duration) prunePlan {
	var plan prunePlan
	for _, r := range repositories {
		unneeded, bytes := r.Unneeded(age)
		plan.remove = append(plan.remove, unneeded...)
		plan.size += bytes
		plan.sets += len(r.Sets)
		if r.Apart {
			plan.shared = r.Name
		}
		for _, s := range r.Sets {
			if s.State == recordrepo.Unknown || s.State == recordrepo.Foreign {
				plan.strange = append(plan.strange, s)
			}
		}
	}
	return plan
}

// print prints what is to be removed, and what stays because nobody here knows what it is.
func (p prunePlan) print(w io.Writer, now time.Time) error {
	table := newTable(w, "REPOSITORY", "KEY", "RECORDS", "SIZE", "RAN", "BECAUSE")
	for _, s := range p.remove {
		table.row(append(recordCells(s, now), whyUnneeded(s))...)
	}
	for _, s := range p.strange {
		table.row(append(recordCells(s, now), "stays: "+diagnostic.Visible(s.Problem))...)
	}
	if len(p.remove)+len(p.strange) > 0 {
		if err := table.flush(); err != nil {
			return err
		}
	}
	if len(p.remove) == 0 {
		_, err := fmt.Fprintf(w, "nothing to remove of %s\n", setCount(p.sets))
		return err
	}
	_, err := fmt.Fprintf(w, "to remove: %d of %s, and with them about %s of layers\n", len(p.remove), setCount(p.sets), size(p.size))
	return err
}

func whyUnneeded(s recordrepo.Set) string {
	if s.State == recordrepo.Damaged {
		return diagnostic.Visible(s.Problem)
	}
	return "no published image was made so"
}

// A pruneDocument is what `pulpimg records prune --format json` prints. Keys are added, never changed.
type pruneDocument struct {
	Remove []pruneSet `json:"remove"`
	// Size counts the layers that nothing has then.
	Size    int64    `json:"size"`
	Removed []string `json:"removed"`
}

type pruneSet struct {
	Reference string `json:"reference"`
	recordSet
}

func (p prunePlan) document() pruneDocument {
	d := pruneDocument{Remove: []pruneSet{}, Size: p.size, Removed: append([]string{}, p.removed...)}
	for _, s := range p.remove {
		d.Remove = append(d.Remove, pruneSet{s.Reference, newRecordSet(s, false)})
	}
	return d
}
