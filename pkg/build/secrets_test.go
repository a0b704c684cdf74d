package build

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session/secrets"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

type others map[string]string

func (o others) GetSecret(_ context.Context, id string) ([]byte, error) {
	if value, ok := o[id]; ok {
		return []byte(value), nil
	}
	return nil, secrets.ErrNotFound
}

func TestSecretStore_GetSecret(t *testing.T) {
	f := familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nimages: {a: {from: scratch, steps: [repo: {url: \"https://h/\", to: /a}, repo: {url: \"https://u:p@h/\", to: /b}]}}\n")
	id := llb.CredentialsID(f.Images[0], 1)
	for _, test := range []struct {
		name  string
		store secretStore
		id    string
		want  string
	}{
		{"credentials", withCredentials([]*family.Family{f}, nil, others{"x": "y"}), id, "Basic dTpw"},
		{"another one", withCredentials([]*family.Family{f}, nil, others{"x": "y"}), "x", "y"},
		{"what tells runs apart", withCredentials(nil, nil, others{llb.AgainID + "x": "y"}), llb.AgainID + "x", ""},
		{"a URL without credentials", withCredentials([]*family.Family{f}, nil, others{}), llb.CredentialsID(f.Images[0], 0), ""},
		{"credentials alone", withCredentials([]*family.Family{f}, nil, nil), id, "Basic dTpw"},
		{"no others", withCredentials([]*family.Family{f}, nil, nil), "x", ""},
		{"the certificates of authorities", withCredentials([]*family.Family{f}, []byte("PEM"), others{llb.TrustedID: "other"}), llb.TrustedID, "PEM"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.store.GetSecret(t.Context(), test.id)
			if string(got) != test.want || test.want == "" && !errors.Is(err, secrets.ErrNotFound) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestWatcher_hidesCredentials(t *testing.T) {
	failing := status("one", "fetching with hunter2", `Get "https://h/?token=hunter2": 403`)
	vertex := digest.FromString("one")
	failing.Statuses = []*client.VertexStatus{{ID: "hunter2", Name: "download hunter2", Vertex: vertex}}
	failing.Warnings = []*client.VertexWarning{{Vertex: vertex, Short: []byte("hunter2"), Detail: [][]byte{[]byte("hunter2")}}}
	for _, mode := range []string{"plain", "rawjson"} {
		h, out := watched(t, mode, failing)
		if strings.Contains(out, "hunter2") || !strings.Contains(out, "xxxxx") {
			t.Errorf("%s shows %s", mode, out)
		}
		if failed := h.failed("one"); failed == nil || strings.Contains(failed.Err+strings.Join(failed.output.last(), ""), "hunter2") {
			t.Errorf("it is remembered as %+v", failed)
		}
	}
}

func TestFailure_hidesCredentials(t *testing.T) {
	f := familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nimages: {a: {from: scratch, steps: [repo: {url: \"https://h/?token=hunter2\", to: /b}]}}\n")
	err := errors.New(`source "https://h/?token=hunter2" denied by policy`)
	got := failure(&StepError{Image: f.Images[0], Err: err}, f, history{})
	if strings.Contains(got.Error(), "hunter2") || got.Redact("hunter2") != "xxxxx" {
		t.Errorf("got %v", got)
	}
}
