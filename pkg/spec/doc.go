// Package spec reads the YAML file that declares a family of images: version 1 of the language that docs/spec.md describes.
//
// Reading is strict. It finds all mistakes of a file in one go; every error has a line and a column and, if possible, a hint at what was
// meant. Files that give variables of a spec their values are read in the same way. A Spec holds what is written and where, without any
// defaults. Package family finds out what it means: it puts variables in and looks up names.
package spec
