package policy

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/sourcepolicy"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

func labPolicy() Policy {
	return New(
		[]Image{
			{"docker.io/library/fedora:20", "127.0.0.1:5000/fedora:20"},
			{"docker.io/library/centos:7", "127.0.0.1:5000/centos:7"},
		},
		[]URL{{"https://repos.example/pulp/fedora-pulp.repo", "http://127.0.0.1:8000/fedora-pulp.repo"}},
	)
}

// decode reads the policy file as buildctl does.
func decode(t *testing.T, text []byte) *spb.Policy {
	t.Helper()
	var policy spb.Policy
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	return &policy
}

func TestBuildKitConvertsWhatTheLabHasAndDeniesTheRest(t *testing.T) {
	text, err := labPolicy().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const digest = "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, tc := range []struct {
		source string
		want   string // empty: denied
	}{
		{"docker-image://docker.io/library/fedora:20", "docker-image://127.0.0.1:5000/fedora:20"},
		{"docker-image://docker.io/library/fedora:20" + digest, "docker-image://127.0.0.1:5000/fedora:20" + digest},
		{"docker-image://docker.io/library/centos:7", "docker-image://127.0.0.1:5000/centos:7"},
		{"https://repos.example/pulp/fedora-pulp.repo", "http://127.0.0.1:8000/fedora-pulp.repo"},

		{"docker-image://127.0.0.1:5000/fedora:20", "docker-image://127.0.0.1:5000/fedora:20"},
		{"docker-image://127.0.0.1:6000/other/image" + digest, "docker-image://127.0.0.1:6000/other/image" + digest},
		{"http://127.0.0.1:8000/any.repo", "http://127.0.0.1:8000/any.repo"},
		{"local://context", "local://context"},
		{"oci-layout://store/image" + digest, "oci-layout://store/image" + digest},

		{source: "docker-image://docker.io/library/fedora:200"},
		{source: "docker-image://docker.io/library/fedora:21"},
		{source: "docker-image://docker.io/other/library/fedora:20"},
		{source: "docker-image://docker.io/docker/dockerfile:1"},
		{source: "docker-image://127.0.0.1.example:5000/fedora:20"},
		{source: "https://repos.example/pulp/other.repo"},
		{source: "https://127.0.0.1.example/"},
		{source: "http://repos.example/pulp/fedora-pulp.repo"},
		{source: "git://github.com/moby/buildkit"},
	} {
		t.Run(tc.source, func(t *testing.T) {
			engine := sourcepolicy.NewEngine([]*spb.Policy{decode(t, text)})
			op := &pb.SourceOp{Identifier: tc.source}
			_, err := engine.Evaluate(t.Context(), op)
			switch denied := errors.Is(err, sourcepolicy.ErrSourceDenied); {
			case err != nil && !denied:
				t.Fatal(err)
			case denied != (tc.want == ""):
				t.Errorf("denied: %t, source %s", denied, op.Identifier)
			case !denied && op.Identifier != tc.want:
				t.Errorf("source %s, want %s", op.Identifier, tc.want)
			}
		})
	}
}

func TestThePolicyFileIsTheSameForBothOfBuildKitsDecoders(t *testing.T) {
	text, err := labPolicy().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var strict spb.Policy
	if err := protojson.Unmarshal(text, &strict); err != nil {
		t.Fatal(err)
	}
	if loose := decode(t, text); !proto.Equal(loose, &strict) {
		t.Errorf("encoding/json reads %v, protojson %v", loose, &strict)
	}
}
