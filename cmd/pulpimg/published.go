package main

import (
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// A publishedImage is an image, and what publishing did for each of its references.
type publishedImage struct {
	name  string
	items []publish.Published // one at least
}

// byImage puts together what publishing did for each image.
func byImage(result *publication) []publishedImage {
	var out []publishedImage
	at := map[string]int{}
	for _, item := range result.Items {
		i, ok := at[item.Name]
		if !ok {
			i = len(out)
			at[item.Name] = i
			out = append(out, publishedImage{name: item.Name})
		}
		out[i].items = append(out[i].items, item)
	}
	return out
}

func (p publishedImage) digest() digest.Digest { return digest.Digest(p.items[0].Digest.String()) }

func (p publishedImage) references() []string {
	out := make([]string, len(p.items))
	for i, item := range p.items {
		out[i] = item.Reference.Name()
	}
	return out
}

// moved returns the references whose tags were moved.
func (p publishedImage) moved() []string {
	out := []string{}
	for _, item := range p.items {
		if item.TagMoved {
			out = append(out, item.Reference.Name())
		}
	}
	return out
}

func (p publishedImage) sent() int64 { return (&publication{Items: p.items}).PushedBytes() }

func pushSummary(result *publication) string {
	images := count(len(byImage(result)), "image")
	moved, registries := movedTags(result)
	mounted := 0
	for _, item := range result.Items {
		mounted += item.Mounted.Layers
	}
	if moved == 0 {
		return fmt.Sprintf("published %s: nothing had changed", images)
	}
	return fmt.Sprintf("published %s: %s sent, %s mounted, %s moved%s",
		images, size(result.PushedBytes()), count(mounted, "layer"), count(moved, "tag"), inRegistries(registries))
}

// movedTags counts the tags that were moved, and the registries that they are in.
func movedTags(result *publication) (moved, registries int) {
	in := map[string]bool{}
	for _, item := range result.Items {
		if item.TagMoved {
			moved++
			in[item.Reference.RegistryStr()] = true
		}
	}
	return moved, len(in)
}

// inRegistries says in how many registries something is, unless it is one.
func inRegistries(n int) string {
	if n < 2 {
		return ""
	}
	return " in " + count(n, "registry")
}

// printPublished prints what publishing did.
func (f *format) printPublished(con console, result *publication) error {
	images := byImage(result)
	if f.name == formatJSON {
		return printJSON(con.out, publishedJSON(images))
	}
	if len(result.Items) == len(images) {
		table := newTable(con.out, "IMAGE", "DIGEST", "SENT", "REFERENCE")
		for _, image := range images {
			table.row(image.name, short(image.digest()), size(image.sent()), image.references()[0])
		}
		if err := table.flush(); err != nil {
			return err
		}
	} else {
		table := newTable(con.out, "IMAGE", "DIGEST", "SENT")
		for _, image := range images {
			table.row(image.name, short(image.digest()), size(image.sent()))
			table.below(tagLines(image.references())...)
		}
		if err := table.flush(); err != nil {
			return err
		}
	}
	fmt.Fprintln(con.out, "\n"+pushSummary(result))
	return nil
}

// A publishedRecord is a published image, as machines read of it. Keys are added, never changed.
type publishedRecord struct {
	Image string `json:"image"`
	// Reference is the first of References.
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	SentBytes int64  `json:"sent_bytes"`
	// TagMoved says that some tag was moved, and Moved which.
	TagMoved   bool     `json:"tag_moved"`
	References []string `json:"references"`
	Moved      []string `json:"moved"`
}

func publishedJSON(images []publishedImage) any {
	records := make([]publishedRecord, len(images))
	for i, image := range images {
		references, moved := image.references(), image.moved()
		records[i] = publishedRecord{
			Image: image.name, Reference: references[0], Digest: image.digest().String(),
			SentBytes: image.sent(), TagMoved: len(moved) > 0, References: references, Moved: moved,
		}
	}
	return map[string]any{"images": records}
}
