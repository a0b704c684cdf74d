package family

import "slices"

// ordered returns names so that what a name needs comes before it, and otherwise as they are. Circles are returned too, each as the way
// from a name back to itself; the order then has all names all the same. Needs that are no names are left out.
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

// A mark says how far the search has come with a name.
type mark int

const (
	unknown mark = iota // no name at all
	unseen
	visiting // the search is at what it needs
	done
)

// An orderer searches depth first.
type orderer struct {
	needs  func(string) []string
	marks  map[string]mark
	path   []string // from where the search began to where it is
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
