// Package recordset is the form that records have in a registry: an image of its own, which other tools can copy, keep and remove like any other.
//
// A set says what is known of the steps of one image up to one of them, and is kept under a tag that is made of the key of that step. It is an
// ordinary image: its layers are those that the records name, so that the registry keeps them, and the indexes of layers, each in a layer of its
// own. Its records are in an annotation of the manifest, so that one request reads them. docs/keys.md describes the format.
//
// The package talks to no registry, and believes nothing: who reads a set decides what it is worth.
package recordset
