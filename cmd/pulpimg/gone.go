package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/internal/gendir"
)

// sayGone says how to remove from a cluster what is no longer part of the objects: kubectl apply leaves it there. What runs pods or leads to them
// goes first: of a singleton, there would be two, and a Service would lead to what is old as well. What pods use goes last.
func (c *manifestsCommand) sayGone(removed []string, written []gendir.File) {
	first, last := noLongerPart(removed, written)
	for _, gone := range []struct {
		moment  string
		objects []string
	}{{"before you apply the rest", first}, {"when you have applied the rest", last}} {
		if len(gone.objects) == 0 {
			continue
		}
		namespace := ""
		if c.namespace != "" {
			namespace = " --namespace " + c.namespace
		}
		fmt.Fprintf(c.console.err, "a cluster keeps what is no longer part; %s:\n  kubectl delete%s %s\n", gone.moment, namespace, strings.Join(gone.objects, " "))
	}
}

// noLongerPart returns the objects, KIND/NAME, whose files were removed: those that have to be gone before the others are applied, and those that
// may be in use until then. A Service that is still part is among them if it cannot become what it is now: one has an address, and the other has none.
// Jobs are not, which stay as a record that they ran, nor are claims, which have data.
func noLongerPart(removed []string, written []gendir.File) (first, last []string) {
	for _, file := range removed {
		kind, name, _ := strings.Cut(strings.TrimSuffix(file, ".yaml"), "-")
		isPart := func(kind string) bool {
			return slices.ContainsFunc(written, func(f gendir.File) bool { return f.Path == kind+"-"+name+".yaml" })
		}
		switch kind {
		case "job", "persistentvolumeclaim":
		case "configmap", "secret":
			last = append(last, kind+"/"+name)
		case "statefulset", "deployment", "daemonset":
			first = append(first, kind+"/"+name)
			if isPart("service") && (kind == "statefulset" || isPart("statefulset")) {
				first = append(first, "service/"+name)
			}
		default:
			first = append(first, kind+"/"+name)
		}
	}
	return first, last
}
