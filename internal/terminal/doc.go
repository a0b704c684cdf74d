// Package terminal lends the user's terminal to a program that runs elsewhere: keys go there as they are pressed, and it hears of every
// change of the window's size.
//
// It draws nothing, and it knows nothing of what the program is.
package terminal
