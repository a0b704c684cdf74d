package cluster

import (
	"fmt"
	"os"
)

// A lab is where the lab's servers are, and the program to test. This module does not import the package that knows of it: then Kubernetes
// is compiled with the versions of its modules that it was released with, and not anew when those of pulpimg change.
type lab struct{ registry, policy, mongoDB, amqp, control, pulpimg string }

// findLab returns the lab that this process was started in.
func findLab() (lab, error) {
	var l lab
	for name, value := range map[string]*string{
		"LAB_REGISTRY": &l.registry, "LAB_POLICY": &l.policy, "LAB_MONGODB": &l.mongoDB, "LAB_AMQP": &l.amqp, "LAB_CONTROL": &l.control, "PULPIMG": &l.pulpimg,
	} {
		if *value = os.Getenv(name); *value == "" {
			return lab{}, fmt.Errorf("%s is not set: use make cluster-test", name)
		}
	}
	return l, nil
}
