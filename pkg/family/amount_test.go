package family_test

import (
	"math"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestWorkload_limits(t *testing.T) {
	for _, test := range []struct {
		memory, cpu string
		bytes       int64
		processors  string
	}{
		{"", "", 0, ""},
		{"128Mi", "500m", 128 << 20, "0.5"},
		{"1.5Gi", "2", 3 << 29, "2"},
		{"1000", "0.25", 1000, "0.25"},
		{"1M", "10", 1_000_000, "10"},
		{"0.0001k", "1500m", 1, "1.5"},
		{"2Ti", "1m", 2 << 40, "0.001"},
		{"999999999Pi", "1", math.MaxInt64, "1"},
	} {
		w := family.Workload{Limits: map[string]string{"memory": test.memory, "cpu": test.cpu}}
		if w.MemoryLimit() != test.bytes || w.ProcessorLimit() != test.processors {
			t.Errorf("%s and %s are %d and %q, want %d and %q", test.memory, test.cpu, w.MemoryLimit(), w.ProcessorLimit(), test.bytes, test.processors)
		}
	}
	if w := (family.Workload{}); w.MemoryLimit() != 0 || w.ProcessorLimit() != "" {
		t.Errorf("without limits: %d, %q", w.MemoryLimit(), w.ProcessorLimit())
	}
}
