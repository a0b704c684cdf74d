package family

import (
	"math"
	"math/big"
	"strings"
)

// units are what the suffixes of Kubernetes' quantities stand for.
// https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#meaning-of-memory
var units = []struct {
	suffix string
	factor *big.Rat
}{
	{"Ki", big.NewRat(1<<10, 1)}, {"Mi", big.NewRat(1<<20, 1)}, {"Gi", big.NewRat(1<<30, 1)}, {"Ti", big.NewRat(1<<40, 1)}, {"Pi", big.NewRat(1<<50, 1)},
	{"k", big.NewRat(1e3, 1)}, {"M", big.NewRat(1e6, 1)}, {"G", big.NewRat(1e9, 1)}, {"T", big.NewRat(1e12, 1)}, {"P", big.NewRat(1e15, 1)},
	{"m", big.NewRat(1, 1e3)},
}

// amount returns what a quantity amounts to.
func amount(quantity string) (*big.Rat, bool) {
	factor := big.NewRat(1, 1)
	for _, unit := range units {
		if number, ok := strings.CutSuffix(quantity, unit.suffix); ok {
			quantity, factor = number, unit.factor
			break
		}
	}
	number, ok := new(big.Rat).SetString(quantity)
	if !ok {
		return nil, false
	}
	return number.Mul(number, factor), true
}

// leastMemory is less than any process needs. Somebody who writes less has left out the unit.
func leastMemory() *big.Rat { return big.NewRat(1<<20, 1) }

// MemoryLimit returns how much memory a container may use, in bytes and rounded up; 0, when the spec does not say.
func (w Workload) MemoryLimit() int64 {
	bytes, ok := amount(w.Limits["memory"])
	if !ok {
		return 0
	}
	up := new(big.Int).Add(bytes.Num(), new(big.Int).Sub(bytes.Denom(), big.NewInt(1)))
	if up.Div(up, bytes.Denom()); !up.IsInt64() {
		return math.MaxInt64 // no machine has as much
	}
	return up.Int64()
}

// ProcessorLimit returns how many processors a container may use, as a decimal number; nothing, when the spec does not say.
func (w Workload) ProcessorLimit() string {
	processors, ok := amount(w.Limits["cpu"])
	if !ok {
		return ""
	}
	const digits = 3 // the language knows no more
	return strings.TrimSuffix(strings.TrimRight(processors.FloatString(digits), "0"), ".")
}
