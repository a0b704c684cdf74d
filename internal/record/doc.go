// Package record keeps what keys stand for: the layer that a step made, when it was made, and on which results of other steps.
//
// A record is a claim about blobs that are kept elsewhere, and is believed only as far as they are there. A record that is damaged, or of a
// format that this program does not know, counts as none: that costs time, never a wrong image. The package does not know what is in a layer,
// and computes no keys; that is package key.
package record
