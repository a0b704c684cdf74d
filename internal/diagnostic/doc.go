// Package diagnostic shows what went wrong with a spec: to a person, with the line and a caret under the place; to a program, as JSON; and
// to GitHub, as annotations of a pull request.
//
// It does not look for mistakes, and knows nothing about building a family: the caller passes what went wrong, and where.
package diagnostic
