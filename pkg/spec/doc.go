// Package spec reads the YAML file that declares a family of images: version 1 of the language that docs/spec.md describes.
//
// Reading is strict. Whatever is wrong with a file is found in one go, and every complaint says in which line and column it is and, if
// that can be known, what was meant. A Spec says what is written and where; it fills in nothing. What it means, with variables put in
// and names looked up, is for package family.
package spec
