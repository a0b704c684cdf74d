package registrytest

import (
	"fmt"
	"net/http"
	"strings"
)

func (q *Quirky) beginUpload(r *http.Request, repo string) answer {
	if refused, ok := q.authorize(r, repo, "push"); !ok {
		return refused
	}
	query := r.URL.Query()
	switch {
	case q.has(NoRepository):
		return refuse(http.StatusNotFound, "NAME_UNKNOWN", fmt.Sprintf("The repository with name '%s' does not exist in the registry", repo))
	case q.has(BadText):
		return refuse(http.StatusBadRequest, "DENIED", "no\x1b[2J\r\nall is well \u009b31m\u202e")
	case query.Has("mount") && q.has(MountDenied):
		return refuse(http.StatusForbidden, "DENIED", "mounting is denied")
	case query.Has("mount") && !q.has(NoMount):
		digest := query.Get("mount")
		if blob, ok := q.blobs[query.Get("from")+"@"+digest]; ok && q.mayPull(r, query.Get("from")) {
			q.blobs[repo+"@"+digest] = blob
			return answer{status: http.StatusCreated, header: map[string]string{"Location": "/v2/" + repo + "/blobs/" + digest}}
		}
	}
	q.tries++
	number := fmt.Sprint(q.tries)
	q.uploads[number] = true
	return answer{status: http.StatusAccepted, header: map[string]string{"Location": q.location(repo, number), "Range": "0-0"}}
}

func (q *Quirky) mayPull(r *http.Request, repo string) bool {
	_, ok := q.authorize(r, repo, "pull")
	return ok
}

// location is where an upload continues. Its query has to come back as it is.
func (q *Quirky) location(repo, number string) string {
	path := "/v2/" + repo + "/blobs/uploads/" + number
	query := "?z=1&_state=A%2BB%3D%3D"
	host, defaultPort := q.Host, map[string]string{"http": ":80", "https": ":443"}[q.scheme]
	if q.has(OddPort) {
		defaultPort = ""
	}
	switch {
	case q.has(Absolute):
		return q.scheme + "://" + host + path + query
	case q.has(WithPort):
		return q.scheme + "://" + host + defaultPort + path + query
	case q.has(UpperCase):
		return strings.ToUpper(q.scheme+"://"+host) + path + query
	case q.has(PlainLocation):
		return "http://" + host + path + query
	case q.has(PlainPort) && q.has(OddPort):
		return "http://" + host + path + query
	case q.has(PlainPort):
		return "http://" + host + ":80" + path + query
	case q.has(Relative):
		return number + query
	case q.has(Outside):
		return "/uploads/" + repo + "/blobs/uploads/" + number + query
	case q.has(Elsewhere) && q.has(Plain):
		return "http://127.0.0.2" + path + query
	case q.has(Elsewhere):
		return "https://" + storage + path + query
	}
	return path + query
}

func (q *Quirky) continueUpload(r *http.Request, repo, number string, data []byte) answer {
	if r.Host == storage || r.Host == "127.0.0.2" {
		if r.Header.Get("Authorization") != "" {
			q.t.Errorf("%s got the credentials", r.Host)
		}
	} else {
		if r.Method == http.MethodPut {
			q.endTokens("blob")
		}
		if refused, ok := q.authorize(r, repo, "push"); !ok {
			return refused
		}
	}
	if !q.uploads[number] {
		return refuse(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
	}
	digest := r.URL.Query().Get("digest")
	switch {
	case r.Method == http.MethodDelete:
		delete(q.uploads, number)
		return answer{status: http.StatusNoContent}
	case r.ContentLength < 0:
		return refuse(http.StatusLengthRequired, "SIZE_INVALID", "the length is missing")
	case !strings.HasPrefix(r.URL.RawQuery, "z=1&_state=A%2BB%3D%3D&"):
		return refuse(http.StatusBadRequest, "DIGEST_INVALID", "the state got lost: "+r.URL.RawQuery)
	case digest != digestOf(data):
		return refuse(http.StatusBadRequest, "DIGEST_INVALID", "the blob is another one")
	}
	return q.endUpload(repo, number, digest, data)
}

// endUpload stores a blob, if the quirks let it.
func (q *Quirky) endUpload(repo, number, digest string, data []byte) answer {
	delete(q.uploads, number)
	unknown := refuse(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
	switch {
	case q.once(UploadGone, repo):
		return unknown
	case q.once(UploadBad, repo):
		return refuse(http.StatusBadRequest, "BLOB_UPLOAD_INVALID", "blob upload invalid")
	case q.once(LateAnswer, repo):
		a := refuse(http.StatusTooManyRequests, "TOOMANYREQUESTS", "not so fast")
		a.header = map[string]string{"Retry-After": "0"}
		return a
	case q.once(Silent, repo):
		return answer{silent: true}
	}
	q.blobs[repo+"@"+digest] = data
	switch {
	case q.once(UploadStored, repo):
		return unknown
	case q.once(CutHeader, repo):
		return answer{cutHeader: true}
	}
	return answer{status: http.StatusCreated, header: map[string]string{"Location": "/v2/" + repo + "/blobs/" + digest}}
}

func (q *Quirky) blob(r *http.Request, repo, digest string) answer {
	if refused, ok := q.authorize(r, repo, "pull"); !ok {
		return refused
	}
	if r.Method == http.MethodHead {
		switch {
		case q.has(HeadBlob405):
			return refuse(http.StatusMethodNotAllowed, "UNSUPPORTED", "")
		case q.has(HeadBlob403):
			return refuse(http.StatusForbidden, "DENIED", "")
		case q.has(HeadBlob400):
			return answer{status: http.StatusBadRequest}
		}
	}
	data, ok := q.blobs[repo+"@"+digest]
	if !ok {
		return refuse(http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
	}
	return answer{status: http.StatusOK, body: data, header: map[string]string{"Docker-Content-Digest": digest}}
}

// Lose forgets a blob of a repository, as a registry does that removes more than it should.
func (q *Quirky) Lose(repo, digest string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.blobs, repo+"@"+digest)
}
