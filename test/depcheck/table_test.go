package depcheck

// table has all packages, each with the packages of this project that its code imports. Imports point down: a package may know what it is
// made of, and never who uses it.
var table = map[string]string{}
