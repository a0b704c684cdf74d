// Package policy applies BuildKit's source policies where no engine does: it says which image or file is meant, or that it is denied.
//
// It fetches nothing. What a rule says that is not about which one is meant, it hands on.
package policy
