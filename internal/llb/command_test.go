package llb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pulpimg/pulpimg/internal/llb"
)

func TestAddLayer_leavesImageUnchanged(t *testing.T) {
	f := resolve(t, small)
	root, err := llb.New(f.Images[0], base(), opts)
	if err != nil {
		t.Fatal(err)
	}
	one, two := root.AddLayer(made("one")), root.AddLayer(made("two"))
	if got := one.AppendedLayers()[0].DiffID; got != made("one").DiffID {
		t.Errorf("after another layer was added to the same image, the first one is %s", got)
	}
	if len(root.AppendedLayers()) != 0 || len(two.AppendedLayers()) != 1 {
		t.Errorf("the image has %d layers and the new one %d, want 0 and 1", len(root.AppendedLayers()), len(two.AppendedLayers()))
	}
}

// BenchmarkCompile goes from the text of a spec to marshalled LLB, each role with a command of its own.
func BenchmarkCompile(b *testing.B) {
	for _, images := range []int{4, 1000} {
		text := familyOf(images)
		b.Run(fmt.Sprintf("%d images", images), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, image := range compileAll(b, resolve(b, text)) {
					definition(b, image)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(images), "µs/image")
		})
	}
}

func familyOf(images int) string {
	var b strings.Builder
	b.WriteString(small[:strings.Index(small, "  role:")])
	for i := range images - 1 {
		fmt.Fprintf(&b, "  role-%d:\n    from: base\n    steps:\n      - yum: { packages: [package-%d] }\n", i, i)
	}
	return b.String()
}

func TestAddCommand_hidesTracing(t *testing.T) {
	const declaring = "version: 1\nname: f\nregistry: r.example.com/f\ntag: \"1\"\nimages:\n  one:\n    from: docker.io/library/fedora:20\n    steps:\n      - run: go\n" +
		"      - run: { command: [go, \"1\"] }\n  two:\n    from: one\n    env: { OTEL_TRACES_EXPORTER: console }\n    steps:\n      - run: go\n      - run: { command: [go, \"2\"] }\n"
	const all = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_EXPORTER_OTLP_TRACES_PROTOCOL TRACEPARENT TRACESTATE; go"
	want := map[string]string{
		"/bin/sh -euc unset OTEL_TRACES_EXPORTER " + all: "",
		"go 1":                      "none",
		"/bin/sh -euc unset " + all: "console",
		"go 2":                      "console",
	}
	got := map[string]string{}
	for name, image := range compileAll(t, resolve(t, declaring)) {
		for _, dt := range definition(t, image).Def {
			var op pb.Op
			if err := op.Unmarshal(dt); err != nil {
				t.Fatal(err)
			}
			if exec := op.GetExec(); exec != nil {
				value := ""
				for _, variable := range exec.Meta.Env {
					if v, ok := strings.CutPrefix(variable, "OTEL_TRACES_EXPORTER="); ok {
						value = v
					}
				}
				got[strings.Join(exec.Meta.Args, " ")] = value
			}
		}
		config, err := image.SolveTarget().Config()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(config), "OTEL_TRACES_EXPORTER=none") || strings.Contains(string(config), "unset") {
			t.Errorf("the config of %s holds what only the build needs: %s", name, config)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands and the value of OTEL_TRACES_EXPORTER (-want +got):\n%s", diff)
	}
}
