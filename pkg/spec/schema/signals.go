package schema

// Signal is one of Linux as docker knows it: by its name, with or without SIG, or by its number.
// https://github.com/moby/sys/blob/signal/v0.7.1/signal/signal_linux.go
var Signal = Form{"signal", `(?:SIG)?(?:` + oneOf(Signals()) + `|RTMIN\+(?:[1-9]|1[0-5])|RTMAX-(?:[1-9]|1[0-4]))|[1-9]|[1-5][0-9]|6[0-4]`,
	"the name of a signal, such as `SIGQUIT`, or a number from 1 to 64"}

// Signals returns the names of signals without SIG, besides those that count from RTMIN and RTMAX.
func Signals() []string {
	return []string{
		"ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT",
		"RTMAX", "RTMIN", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH",
		"XCPU", "XFSZ",
	}
}

// StartSignals returns the signals that end a start while a stage of it runs: those that pulp-helper listens to.
func StartSignals() []string { return []string{"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"} }
