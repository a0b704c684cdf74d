package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// annotationEnvironment changes with the ConfigMap, so that pods start anew when it does. Secrets have no part in it: a digest of
// one could be tried out.
const annotationEnvironment = "pulpimg.org/environment"

// environment returns the ConfigMap and the Secret that pods have their environment from, as far as they are needed.
func (b *builder) environment() []Object {
	var objects []Object
	if values := b.plainValues(); len(values) > 0 {
		objects = append(objects, &corev1.ConfigMap{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
			ObjectMeta: b.meta(b.configMapName(), b.configMapName()),
			Data:       values,
		})
	}
	if secret := b.secret(); secret != nil {
		objects = append(objects, secret)
	}
	return objects
}

func (b *builder) configMapName() string { return objectName(b.family.Name) }

// plainValues returns the values that are no secret.
func (b *builder) plainValues() map[string]string {
	values := map[string]string{}
	// A Service that only gives another name to a host outside has no address of its own, so the kubelet says nothing of it.
	// https://kubernetes.io/docs/concepts/services-networking/service/#externalname
	for _, s := range b.kubernetes {
		if isHostName(s.External) {
			values[s.HostVariable()] = s.Name
			values[s.PortVariable()] = strconv.Itoa(s.Port)
		}
	}
	for name, value := range b.options.Values {
		// An empty value of a declared variable counts as none. Of another one, it may take away what the image has.
		if (value != "" || !b.declares(name)) && !b.family.IsSecret(name) {
			values[name] = value
		}
	}
	return values
}

// declares reports whether the spec declares a variable of the environment.
func (b *builder) declares(name string) bool {
	for _, v := range b.family.Contract.Environment {
		if v.Name == name {
			return true
		}
	}
	return false
}

// checkSize returns an error about values that are too much for one ConfigMap.
func (b *builder) checkSize() error {
	size := 0
	for name, value := range b.plainValues() {
		size += len(name) + len(value)
	}
	if size > corev1.MaxSecretSize { // a ConfigMap may have as much
		return fmt.Errorf("the ConfigMap would have %d bytes, and Kubernetes takes %d at most", size, corev1.MaxSecretSize)
	}
	return nil
}

func isHostName(external string) bool {
	_, err := netip.ParseAddr(external)
	return external != "" && err != nil
}

// hasValue reports whether pods find a value for a variable.
func (b *builder) hasValue(name string) bool {
	if b.family.IsSecret(name) {
		_, ok := b.secrets[name]
		return ok
	}
	found := slices.Clone(b.kubernetes)
	for _, image := range b.images {
		if b.workloads && hasOwnService(image) {
			found = append(found, ownService(image))
		}
	}
	for _, s := range found {
		if name == s.HostVariable() || name == s.PortVariable() {
			return true
		}
	}
	return b.options.Values[name] != ""
}

// plainEnv returns the variables that are no secret, in alphabetical order.
func (b *builder) plainEnv() []corev1.EnvVar {
	values := b.plainValues()
	var out []corev1.EnvVar
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, corev1.EnvVar{Name: name, Value: escapeDollar(values[name])})
	}
	return out
}

// environmentDigest changes with the values that are no secret.
func (b *builder) environmentDigest() string {
	sum := sha256.New()
	for _, v := range b.plainEnv() {
		sum.Write([]byte(v.Name + "=" + v.Value + "\x00"))
	}
	const enough = 8 // bytes
	return hex.EncodeToString(sum.Sum(nil)[:enough])
}

// escapeDollar keeps the kubelet from taking $(NAME) in a value for a variable, and $$ for an escaped $.
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
func escapeDollar(value string) string { return strings.ReplaceAll(value, "$", "$$") }
