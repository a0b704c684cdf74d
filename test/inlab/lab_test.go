package inlab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func whole() Lab {
	return Lab{
		Registry: "r", AuthRegistry: "a", AuthUser: "u", AuthPassword: "p", RepoURL: "repo", Policy: "policy", Vault: "v", EPEL: "e", EPELKey: "k",
		MongoDB: "m", AuthMongoDB: "n", AMQP: "q", Control: "c",
	}
}

func TestFind(t *testing.T) {
	want := whole()
	for _, v := range want.Vars() {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	got, err := Find()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	t.Setenv("LAB_CONTROL", "")
	if _, err := Find(); err == nil || !strings.Contains(err.Error(), "LAB_CONTROL is not set") {
		t.Errorf("without a control address: %v", err)
	}
}
