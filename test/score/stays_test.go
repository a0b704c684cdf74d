package score

import (
	"regexp"
	"strings"
)

// A stay is a finding of the grade CRITICAL that stays, and why.
type stay struct {
	check  string
	object string // a regular expression for its kind and name; everything, if it is empty
	reason string
}

func (s stay) matches(what string) bool {
	object, check, _ := strings.Cut(what, ": ")
	return check == s.check && regexp.MustCompile("^(?:"+s.object+")").MatchString(object)
}

// stays are the findings that are no mistakes of what is printed. testdata/careful.yaml has none of those that a spec can mend.
var stays = []stay{
	{"container-resources", "", "only who runs the images knows what they need: the key resources says it"},
	{"container-ephemeral-storage-request-and-limit", "", "the same"},
	{"pod-networkpolicy", "", "it is printed where the spec asks for it, with networkPolicy: a cluster without a policy for anything else would be cut in two"},
	{"statefulset-has-poddisruptionbudget", "", "it is printed where the spec asks for it, with disruptionBudget: it can keep a node from being drained"},
	{"container-security-context-readonlyrootfilesystem", "", "settings are written into the image's own files, and a process may write anywhere that its user may: only its author knows where"},
	{"container-security-context-user-group-id", "Deployment (pulp|django|guestbook)|StatefulSet (pulp|django|guestbook)|Job django|Deployment clock|CronJob clock",
		"the start begins as root and becomes a user with a name, or the image has a name for a user: its number is in the image's /etc/passwd, and may be another one in the next image"},
	{"pod-probes", "Deployment pulp|StatefulSet (pulp-worker|django-worker|guestbook-worker)", "no Service leads to these pods, so nobody asks whether they are ready"},
	{"service-targets-pod", "Service db", "its pods are somebody else's: it is made by --service"},
}
