package family

import "slices"

// ordered sorts names so that what a name needs comes before it, and otherwise keeps their order. It also returns the cycles, each as the
// path from a name back to itself; the order has all names even then. Needs that are not among the names are ignored.
func ordered(names []string, needs func(string) []string) (order []string, cycles [][]string) {
	o := orderer{needs: needs, marks: make(map[string]mark, len(names))}
	for _, name := range names {
		o.marks[name] = unseen
	}
	for _, name := range names {
		o.visit(name)
	}
	return o.order, o.cycles
}

// A mark is the state of a name in the search.
type mark int

const (
	unknown mark = iota // not one of the names
	unseen
	visiting // the search is below it, at what it needs
	done
)

// An orderer searches depth first.
type orderer struct {
	needs  func(string) []string
	marks  map[string]mark
	path   []string // from the start of the search to the current name
	order  []string
	cycles [][]string
}

func (o *orderer) visit(name string) {
	switch o.marks[name] {
	case unknown, done:
		return
	case visiting:
		o.cycles = append(o.cycles, append(slices.Clone(o.path[slices.Index(o.path, name):]), name))
		return
	}
	o.marks[name] = visiting
	o.path = append(o.path, name)
	for _, need := range o.needs(name) {
		o.visit(need)
	}
	o.path = o.path[:len(o.path)-1]
	o.marks[name] = done
	o.order = append(o.order, name)
}
