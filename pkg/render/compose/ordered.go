package compose

import (
	"maps"
	"slices"

	"gopkg.in/yaml.v3"
)

// An ordered is a mapping whose keys stay in the order in which they came.
type ordered[T any] []entry[T]

type entry[T any] struct {
	key   string
	value T
}

// add adds a value, unless there is one.
func (o *ordered[T]) add(key string, value T) {
	if !slices.ContainsFunc(*o, func(e entry[T]) bool { return e.key == key }) {
		*o = append(*o, entry[T]{key, value})
	}
}

// MarshalYAML implements [yaml.Marshaler].
func (o ordered[T]) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range o {
		var key, value yaml.Node
		if err := key.Encode(e.key); err != nil {
			return nil, err
		}
		if err := value.Encode(e.value); err != nil {
			return nil, err
		}
		node.Content = append(node.Content, &key, &value)
	}
	return node, nil
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
