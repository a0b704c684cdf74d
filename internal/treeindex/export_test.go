package treeindex

// Seal returns a tree, as it is before it is compressed, as an encoded index.
func Seal(tree []byte) ([]byte, error) { return seal(tree) }

// Unseal returns the tree of an encoded index.
func Unseal(data []byte) ([]byte, error) { return unseal(data) }
