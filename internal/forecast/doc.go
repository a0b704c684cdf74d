// Package forecast says of each step of a family, before anything is built, whether what it makes is known, and if not, what has to be done:
// write files, or run a command. A build does what its forecast says, and starts an engine only for commands.
//
// The package asks its Sources about bases, files and records. It builds nothing, writes nothing, and knows no engine and no registry.
package forecast
