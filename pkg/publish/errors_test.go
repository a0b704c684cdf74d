package publish

import (
	"errors"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func testTag(t *testing.T, reference string) name.Tag {
	t.Helper()
	tag, err := name.NewTag(reference)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func TestErrors_messages(t *testing.T) {
	unauthorized := &transport.Error{StatusCode: 401, Errors: []transport.Diagnostic{{Code: transport.UnauthorizedErrorCode, Message: "authentication required"}}}
	denied := &transport.Error{StatusCode: 403, Errors: []transport.Diagnostic{{Code: transport.DeniedErrorCode, Message: "read only"}}}
	for _, test := range []struct {
		err  error
		want string
	}{
		{
			&CredentialsError{Registry: "r.test", Repository: "r.test/pulp/base", Err: unauthorized},
			"registry r.test does not accept the credentials for r.test/pulp/base: log in again with `docker login r.test` (UNAUTHORIZED: authentication required)",
		},
		{
			&CredentialsError{Registry: "r.test", Repository: "r.test/pulp/base", Anonymous: true, Err: unauthorized},
			"registry r.test wants credentials for r.test/pulp/base, and none were found: log in with `docker login r.test` (UNAUTHORIZED: authentication required)",
		},
		{
			&CredentialsError{Registry: "r.test", Repository: "r.test/pulp/base", Denied: true, Err: denied},
			"registry r.test knows the user, but does not allow this on r.test/pulp/base: have access granted, or log in as another user with `docker login r.test` (DENIED: read only)",
		},
		{
			&CredentialsError{Registry: name.DefaultRegistry, Repository: name.DefaultRegistry + "/pulp/base", Anonymous: true, Err: unauthorized},
			"registry index.docker.io wants credentials for index.docker.io/pulp/base, and none were found: log in with `docker login` (UNAUTHORIZED: authentication required)",
		},
		{
			&UnreachableError{Registry: "r.test", Err: errors.New("no route")},
			"registry r.test cannot be reached: no route",
		},
		{
			&UnreachableError{Registry: "r.test", Err: &transport.Error{StatusCode: 404}},
			"r.test does not answer as a registry does: unexpected status code 404 Not Found",
		},
		{
			&UploadError{Uploaded: []string{"base"}, Missing: []string{"beat", "worker"}, BlobsUploaded: 3, BlobsMissing: 4, Err: errors.New("it broke")},
			"it broke; no tag was moved; complete in the registry: base; not complete: beat, worker (3 of 7 blobs are in place)",
		},
		{
			&ImmutableError{Tags: []TagDifference{
				{Tag: testTag(t, "r.test/base:1.0.3"), Want: testDigest('a'), Found: testDigest('b')},
				{Tag: testTag(t, "r.test/beat:1.0.3"), Want: testDigest('c'), Found: testDigest('d')},
			}},
			"immutable tags exist and are of other images: r.test/base:1.0.3 points to " + testDigest('b').String() + " instead of " + testDigest('a').String() +
				"; r.test/beat:1.0.3 points to " + testDigest('d').String() + " instead of " + testDigest('c').String() + "; nothing was sent, and no tag was moved",
		},
		{
			&ImmutableError{Tags: []TagDifference{{Tag: testTag(t, "r.test/base:1.0.3"), Want: testDigest('a'), Found: testDigest('b')}}, Uploaded: true},
			"immutable tags exist and are of other images: r.test/base:1.0.3 points to " + testDigest('b').String() + " instead of " + testDigest('a').String() +
				"; the images are in the registry, and no tag was moved",
		},
		{
			&TagError{
				Moved:    []name.Tag{testTag(t, "r.test/base:1")},
				NotMoved: []TagFailure{{testTag(t, "r.test/beat:1"), errors.New("immutable")}},
				Unknown:  []TagFailure{{testTag(t, "r.test/worker:1"), errors.New("EOF")}},
			},
			"the images are in the registry, but not every tag points to its image; moved: r.test/base:1; not moved: r.test/beat:1: immutable; not known: r.test/worker:1: EOF",
		},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got\n%s\nwant\n%s", got, test.want)
		}
	}
}

func TestTagError_unwrap(t *testing.T) {
	refused := &CredentialsError{Registry: "r.test", Denied: true}
	err := error(&TagError{
		NotMoved: []TagFailure{{testTag(t, "r.test/a:1"), errors.New("immutable")}},
		Unknown:  []TagFailure{{testTag(t, "r.test/b:1"), refused}},
	})
	var got *CredentialsError
	if !errors.As(err, &got) || got != refused {
		t.Errorf("%v does not hold %v", err, refused)
	}
}
