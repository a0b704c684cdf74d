package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
)

func TestStatusTable(t *testing.T) {
	now := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	usage := build.Usage{
		Layers: 251_000_000, Images: 900_000_000, Together: 940_000_000, LayerCount: 12, LayersUnused: now.Add(-21 * 24 * time.Hour),
		Specs: []build.SpecUsage{
			{Name: "clock", Spec: "/nowhere/clock.yaml", Gone: true, Builds: 1, Size: 300_000_000, LastUsed: now.Add(-25 * 24 * time.Hour)},
			{Name: "pulp", Spec: filepath.Join("/home/jo", "specs", "pulp.yaml"), Builds: 3, Size: 500_000_000, LastUsed: now.Add(-2 * time.Hour)},
			{Name: "old-0123456789ab.v2", Builds: 2, Size: 100_000_000, LastUsed: now.Add(-3 * time.Hour)},
		},
	}
	t.Setenv("HOME", "/home/jo")
	for name, info := range map[string]*engine.Info{
		"embedded": {Kind: engine.Embedded, Dir: "/home/jo/.cache/pulpimg/engine", BuildKit: "v0.34.2", Runc: "v1.5.2", Mode: engine.Root, DiskUsage: 2_500_000_000},
		"remote": {Kind: engine.Remote, Address: "tcp://builder:1234", BuildKit: "v0.34.2", Running: true, DiskUsage: 100_000_000,
			Records: []engine.Record{{Size: 60_000_000, LastUsed: now.Add(-time.Hour)}, {Size: 40_000_000, LastUsed: now.Add(-30 * time.Hour)}}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := statusTable(console{out: &out}, newEngineInfo(info, usage), now); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", "status-"+name+".txt"), out.String())
			for line := range strings.Lines(out.String()) {
				if utf8.RuneCountInString(line) > helpColumns+1 {
					t.Errorf("this line is longer than %d columns: %s", helpColumns, line)
				}
			}
		})
	}
}
