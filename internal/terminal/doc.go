// Package terminal lends the user's terminal to a program that runs elsewhere. The program gets keys as they are pressed, and the size of
// the window whenever it changes.
//
// It draws nothing, and knows nothing of the program.
package terminal
