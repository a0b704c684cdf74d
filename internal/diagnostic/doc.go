// Package diagnostic shows what went wrong with a spec: to a person, with the line and a caret under the place; to a program, as JSON; and
// to GitHub, as annotations of a pull request.
//
// It finds no mistakes, and it knows nothing of how a family is built: whoever fails says what, and where.
package diagnostic
