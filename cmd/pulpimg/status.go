package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	containerd "github.com/containerd/platforms"
	"github.com/docker/go-units"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
)

// An engineInfo is what `pulpimg engine status` shows. Keys are added, never changed.
type engineInfo struct {
	*engine.Info
	// What commands keep on this machine in addition to the engine, in bytes.
	LayersUsage int64 `json:"layers_disk_usage"`
	ImagesUsage int64 `json:"images_disk_usage"`
	// TotalUsage is what all of it takes on this machine. Most layers are in images as well and take their space once.
	TotalUsage int64        `json:"total_disk_usage"`
	Layers     storeInfo    `json:"layers"`
	Images     []imagesInfo `json:"images"`
	// Engine says of a remote engine what its cache holds.
	Engine *storeInfo `json:"cache,omitempty"`
}

// A storeInfo says how many things a part of the cache holds, and when the one was used that was not for longest.
type storeInfo struct {
	Entries           int        `json:"entries"`
	LeastRecentlyUsed *time.Time `json:"least_recently_used,omitempty"`
}

// An imagesInfo describes the images of a spec. The spec is empty if it is not known.
type imagesInfo struct {
	Name      string    `json:"name"`
	Spec      string    `json:"spec,omitempty"`
	Gone      bool      `json:"spec_is_gone"`
	Dir       string    `json:"dir"`
	Builds    int       `json:"builds"`
	DiskUsage int64     `json:"disk_usage"`
	LastUsed  time.Time `json:"last_used"`
}

func engineStatus(ctx context.Context, con console, flags engineFlags, output format) error {
	opts, err := flags.options(con)
	if err != nil {
		return err
	}
	info, err := engine.Status(ctx, opts)
	if err != nil {
		return err
	}
	usage, usageErr := build.Cache{}.Usage(ctx)
	all := newEngineInfo(info, usage)
	if output.name == formatJSON {
		return errors.Join(printJSON(con.out, all), usageErr)
	}
	return errors.Join(statusTable(con, all, time.Now()), usageErr)
}

func newEngineInfo(info *engine.Info, usage build.Usage) engineInfo {
	all := engineInfo{
		Info: info, LayersUsage: usage.Layers, ImagesUsage: usage.Images, TotalUsage: usage.Together,
		Layers: storeInfo{usage.LayerCount, unlessZero(usage.LayersUnused)}, Images: []imagesInfo{},
	}
	if info.Kind == engine.Embedded {
		all.TotalUsage += info.DiskUsage
	} else {
		all.Engine = recordsInfo(info.Records)
	}
	for _, spec := range usage.Specs {
		all.Images = append(all.Images, imagesInfo{spec.Name, spec.Spec, spec.Gone, spec.Dir, spec.Builds, spec.Size, spec.LastUsed})
	}
	slices.SortStableFunc(all.Images, func(a, b imagesInfo) int { return b.LastUsed.Compare(a.LastUsed) })
	return all
}

func recordsInfo(records []engine.Record) *storeInfo {
	info := &storeInfo{Entries: len(records)}
	if len(records) > 0 {
		first := slices.MinFunc(records, func(a, b engine.Record) int { return a.LastUsed.Compare(b.LastUsed) })
		info.LeastRecentlyUsed = unlessZero(first.LastUsed)
	}
	return info
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func statusTable(con console, info engineInfo, now time.Time) error {
	platforms := make([]string, len(info.Platforms))
	for i, p := range info.Platforms {
		platforms[i] = containerd.Format(p)
	}
	running := "no"
	switch {
	case info.Running && info.PID != 0:
		running = fmt.Sprintf("yes, started by pulpimg with pid %d", info.PID)
	case info.Running:
		running = "yes"
	}
	table := newTable(con.out)
	for _, line := range [][2]string{
		{"engine", string(info.Kind)}, {"address", info.Address}, {"directory", info.Dir}, {"buildkit", info.BuildKit}, {"runc", info.Runc},
		{"mode", modeOf(info.Info)}, {"running", running}, {"platforms", strings.Join(platforms, ", ")},
	} {
		if line[1] != "" {
			table.row(line[0], line[1])
		}
	}
	if err := table.flush(); err != nil {
		return err
	}
	fmt.Fprintln(con.out)
	if err := diskTable(con, info, now); err != nil {
		return err
	}
	if len(info.Images) == 0 {
		return nil
	}
	fmt.Fprintln(con.out)
	return specTable(con, info.Images, now)
}

// diskTable shows what each part of the cache takes.
func diskTable(con console, info engineInfo, now time.Time) error {
	table := newTable(con.out, "ON DISK", "SIZE", "ENTRIES", "UNUSED FOR UP TO")
	row := func(name string, bytes int64, s *storeInfo) {
		entries, unused := "", ""
		if s != nil {
			entries = fmt.Sprint(s.Entries)
		}
		if s != nil && s.LeastRecentlyUsed != nil {
			unused = units.HumanDuration(now.Sub(*s.LeastRecentlyUsed))
		}
		table.row(name, size(bytes), entries, unused)
	}
	images := storeInfo{Entries: len(info.Images)}
	if len(info.Images) > 0 {
		images.LeastRecentlyUsed = &info.Images[len(info.Images)-1].LastUsed
	}
	row("engine", info.DiskUsage, info.Engine)
	row("layers", info.LayersUsage, &info.Layers)
	row("images", info.ImagesUsage, &images)
	name := "together"
	if info.Kind == engine.Remote {
		name = "here" // without the engine
	}
	row(name, info.TotalUsage, nil)
	return table.flush()
}

// specTable shows whose images are kept.
func specTable(con console, images []imagesInfo, now time.Time) error {
	home, _ := os.UserHomeDir() // without one, paths are longer
	table := newTable(con.out, "IMAGES OF", "SIZE", "BUILDS", "LAST USED", "SPEC")
	for _, i := range images {
		spec := cmp.Or(i.Spec, "unknown")
		if rest, ok := strings.CutPrefix(spec, home+string(filepath.Separator)); ok && home != "" {
			spec = filepath.Join("~", rest)
		}
		if i.Gone {
			spec += " (gone)"
		}
		table.row(diagnostic.Visible(i.Name), size(i.DiskUsage), fmt.Sprint(i.Builds), units.HumanDuration(now.Sub(i.LastUsed))+" ago", diagnostic.Visible(spec))
	}
	return table.flush()
}

// modeOf returns how the embedded engine runs, or why it cannot.
func modeOf(info *engine.Info) string {
	switch {
	case info.Unusable != nil:
		return fmt.Sprintf("it cannot run: %v (%s)", info.Unusable, engineRemedy(info.Unusable))
	case info.Mode == engine.Rootless:
		return "rootless: root of a user namespace, with process namespaces for build steps"
	}
	return string(info.Mode)
}
