package registrytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

func (q *Quirky) manifest(r *http.Request, repo, identifier string, body []byte) answer {
	if r.Method == http.MethodPut {
		q.endTokens("manifest")
		if refused, ok := q.authorize(r, repo, "push"); !ok {
			return refused
		}
		return q.putManifest(r, repo, identifier, body)
	}
	if refused, ok := q.authorize(r, repo, "pull"); !ok {
		return refused
	}
	if refused, ok := q.mayRead(repo, identifier); !ok {
		return refused
	}
	digest, there := q.find(repo, identifier, r.Method == http.MethodGet)
	if r.Method == http.MethodHead {
		switch {
		case q.has(Head405):
			return refuse(http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
		case q.has(OldHead) && !strings.HasPrefix(identifier, "sha256:"):
			digest = q.before[repo+":"+identifier]
			there = digest != ""
		case q.has(Head404):
			return refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "")
		case q.has(Head403) && !there:
			return answer{status: http.StatusForbidden}
		case q.has(Head400) && !there:
			return answer{status: http.StatusBadRequest}
		}
	}
	if !there {
		return refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	}
	m := q.manifests[repo+"@"+digest]
	a := answer{status: http.StatusOK, body: m.raw, header: map[string]string{"Content-Type": m.mediaType}}
	if !q.has(NoDigest) {
		a.header["Docker-Content-Digest"] = digest
	}
	a.cutBody = r.Method == http.MethodGet && q.once(CutManifest, repo+identifier)
	return a
}

// mayRead reports whether manifests of a repository can be read, and otherwise how that is refused.
func (q *Quirky) mayRead(repo, identifier string) (answer, bool) {
	switch {
	case q.has(NoReading) && !strings.HasPrefix(identifier, "sha256:"), q.has(HiddenRepo403) && !q.exists(repo):
		return refuse(http.StatusForbidden, "DENIED", "denied"), false
	case q.has(HiddenRepo401) && !q.exists(repo):
		return refuse(http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized to access repository"), false
	}
	return answer{}, true
}

// exists reports whether anything was uploaded into a repository.
func (q *Quirky) exists(repo string) bool {
	for key := range q.blobs {
		if strings.HasPrefix(key, repo+"@") {
			return true
		}
	}
	return false
}

// find returns what a tag or digest stands for.
func (q *Quirky) find(repo, identifier string, read bool) (digest string, there bool) {
	if strings.HasPrefix(identifier, "sha256:") {
		_, there = q.manifests[repo+"@"+identifier]
		return identifier, there
	}
	ref := repo + ":" + identifier
	if former := q.former[ref]; len(former) > 0 {
		if read {
			q.former[ref] = former[1:]
			q.happened[string(LateTag)+" "+ref] = true
		}
		return former[0], former[0] != ""
	}
	digest, there = q.tags[ref]
	return digest, there
}

func (q *Quirky) putManifest(r *http.Request, repo, identifier string, body []byte) answer {
	digest, isTag := digestOf(body), !strings.HasPrefix(identifier, "sha256:")
	blobUnknown := refuse(http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
	switch {
	case !isTag && identifier != digest:
		return refuse(http.StatusBadRequest, "DIGEST_INVALID", "the manifest is another one")
	case !isTag && q.has(TagsOnly):
		return refuse(http.StatusBadRequest, "TAG_INVALID", "manifests can only be pushed by tag")
	case q.once(BlobUnknown, repo):
		return blobUnknown
	case q.once(BlobUnknown404, repo):
		return refuse(http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
	case q.once(ChildUnknown, repo):
		return refuse(http.StatusBadRequest, "MANIFEST_UNKNOWN", "manifest unknown")
	}
	if missing := q.missing(repo, body); missing != "" {
		return refuse(http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", missing+" is unknown to registry")
	}
	q.manifests[repo+"@"+digest] = stored{r.Header.Get("Content-Type"), body}
	if isTag {
		if refused, ok := q.moveTag(repo, identifier, digest); !ok {
			return refused
		}
		if q.once(SilentTag, repo) {
			return answer{silent: true}
		}
	}
	return answer{status: http.StatusCreated, header: map[string]string{"Docker-Content-Digest": digest}}
}

func (q *Quirky) moveTag(repo, tag, digest string) (answer, bool) {
	ref := repo + ":" + tag
	former, there := q.tags[ref]
	switch {
	case q.has(ImmutableTags) && there:
		return refuse(http.StatusBadRequest, "TAG_INVALID", fmt.Sprintf(
			"The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the repository is immutable.", tag, repo)), false
	case q.has(DeadTag):
		return answer{}, true
	case q.has(LateTag):
		q.former[ref] = []string{former, former}
	}
	q.before[ref], q.tags[ref] = former, digest
	return answer{}, true
}

// missing names a part of a manifest that the repository does not have.
func (q *Quirky) missing(repo string, raw []byte) string {
	type descriptor struct {
		Digest string `json:"digest"`
	}
	var m struct {
		Config            descriptor
		Layers, Manifests []descriptor
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return err.Error()
	}
	for _, d := range m.Manifests {
		if _, ok := q.manifests[repo+"@"+d.Digest]; !ok {
			return d.Digest
		}
	}
	if len(m.Manifests) > 0 {
		return ""
	}
	for _, d := range append(m.Layers, m.Config) {
		if _, ok := q.blobs[repo+"@"+d.Digest]; !ok {
			return d.Digest
		}
	}
	return ""
}

// Holds reports whether a repository has a manifest and all that it is of.
func (q *Quirky) Holds(repo, digest string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	m, ok := q.manifests[repo+"@"+digest]
	return ok && q.missing(repo, m.raw) == ""
}

// Audit reads back what the registry holds, without a client, and returns what is wrong with it: every blob and manifest has to have its
// digest, every manifest what it is of, and each of the tags has to be there. It returns the digests that the tags point to.
func (q *Quirky) Audit(tags []string) (digests map[string]string, faults []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for key, data := range q.blobs {
		if _, digest, _ := strings.Cut(key, "@"); digest != digestOf(data) {
			faults = append(faults, "the blob "+key+" is another one")
		}
	}
	for key, m := range q.manifests {
		repo, digest, _ := strings.Cut(key, "@")
		if digest != digestOf(m.raw) {
			faults = append(faults, "the manifest "+key+" is another one")
		}
		if missing := q.missing(repo, m.raw); missing != "" {
			faults = append(faults, key+" lacks "+missing)
		}
	}
	digests = map[string]string{}
	for _, tag := range tags {
		digest, ok := q.tags[tag]
		if !ok {
			faults = append(faults, tag+" does not exist")
		}
		digests[tag] = digest
	}
	return digests, faults
}
