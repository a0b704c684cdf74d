// Package message recognizes what BuildKit says: errors that reach a client have lost their types, and its log never had any. Every
// text that something depends on is here, with a test that has the version of go.mod say it.
package message
