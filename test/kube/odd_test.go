package kube_test

import (
	"testing"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	testkube "github.com/pulpimg/pulpimg/test/kube"
)

// What is odd and allowed comes out as something that an API server takes.
func TestAnAPIServerTakesAnOddFamily(t *testing.T) {
	const head = "version: 1\nname: f\nregistry: r.example\ntag: \"1.-\"\n"
	for name, yaml := range map[string]string{
		"the same twice":          head + "images: {a: {from: scratch, volumes: [/v, /v], ports: [\"80\", 80/tcp, 80/udp, 65535/tcp], steps: [helpers: [wait]], start: {require: {sockets: [/dev/log, /dev/log]}, command: [x]}}}\n",
		"names with more in them": "version: 1\nname: f_1.x\nregistry: r.example\ntag: t\nimages: {a.b__c: {from: scratch, command: [x]}}\n",
		"spans of centuries":      head + "services: {s: {url: \"tcp://h:1\", timeout: 2000000h}}\nimages: {a: {from: scratch, kubernetes: {grace: 2000000h, replicas: 2147483647}, steps: [helpers: [wait]], start: {wait: [s, s], command: [x]}}}\n",
		"amounts that are odd":    head + "images: {a: {from: scratch, command: [x], kubernetes: {resources: {requests: {cpu: \"0\", memory: 0.001k}, limits: {cpu: \"0.001\", memory: 999999999.999Pi}}}}}\n",
		"a user by number":        head + "images: {a: {from: scratch, user: \"0:0\", command: [x]}, b: {from: scratch, user: \"65534\", command: [x]}}\n",
		"sockets anywhere":        head + "images: {a: {from: scratch, steps: [helpers: [wait]], start: {require: {sockets: [\"/a b/c d\", /É, /STORAGE]}, command: [x]}}}\n",
		"a Service of many words": head + "environment: {A_B_C_SERVICE_HOST: {}}\nkubernetes: {services: {a-b-c: {port: 65535, selector: {example.com/a_b: \"\", C.d: E_f}}}}\nimages: {a: {from: scratch, command: [x]}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := familytest.Parse(t, yaml)
			opts := kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"a.b-c": "", "_": "x"}}
			objects, err := kubernetes.Workloads(f, opts)
			if _, err := testkube.Validate(stream(t, objects, err)); err != nil {
				t.Error(err)
			}
			objects, err = kubernetes.Pods(f, opts)
			if _, err := testkube.Validate(stream(t, objects, err)); err != nil {
				t.Error(err)
			}
		})
	}
}
