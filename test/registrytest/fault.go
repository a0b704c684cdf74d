package registrytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
)

// Answer replies with a status and a body, and headers as name and value in turn.
func Answer(status int, body string, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// BreakAfter lets n bytes of the request through to the registry and then breaks the connection.
func BreakAfter(n int64) Fault {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r.Body, n), brokenReader{}), r.Body}
		next.ServeHTTP(discardingWriter{}, r)
		panic(http.ErrAbortHandler)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// LoseAnswer lets the registry do what is asked, and breaks the connection before it can say so.
func LoseAnswer(_ http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(discardingWriter{}, r)
	panic(http.ErrAbortHandler)
}

// RefuseMount has the registry begin an upload instead, as registries do that do not mount.
func RefuseMount(w http.ResponseWriter, r *http.Request, next http.Handler) {
	r.URL.RawQuery = ""
	next.ServeHTTP(w, r)
}

// Hang does not answer until the client goes away. It says so on begun first.
func Hang(begun chan<- struct{}) Fault {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		begun <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body) // the server notices a client that went away only once the body is read
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// OfBlob matches requests that carry a blob into a repository. An empty repository is any.
func OfBlob(repository string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/v2/"+repository) && strings.Contains(r.URL.Path, "/blobs/uploads/")
	}
}

// OfMount matches requests to mount a blob.
func OfMount(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("mount")
}

// OfTag matches requests to move a tag of a repository.
func OfTag(repository, tag string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return r.Method == http.MethodPut && r.URL.Path == "/v2/"+repository+"/manifests/"+tag
	}
}

// OfMethod matches every request of a method.
func OfMethod(method string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method }
}

type discardingWriter struct{}

func (discardingWriter) Header() http.Header         { return make(http.Header) }
func (discardingWriter) Write(p []byte) (int, error) { return len(p), nil }
func (discardingWriter) WriteHeader(int)             {}

// changed has the registry answer, and another body go out, with its length.
func changed(change func([]byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		body := change(answer.Body.Bytes())
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body)
	}
}

// OtherContent changes the last byte of an answer.
func OtherContent(w http.ResponseWriter, r *http.Request, next http.Handler) {
	changed(func(body []byte) []byte {
		body[len(body)-1]++
		return body
	})(w, r, next)
}

// Longer has an answer be so many bytes longer, or shorter.
func Longer(by int) Fault {
	return changed(func(body []byte) []byte {
		if by < 0 {
			return body[:len(body)+by]
		}
		return append(body, make([]byte, by)...)
	})
}

// Chunked has an answer not say how long it is.
func Chunked(do Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := httptest.NewRecorder()
		do(answer, r, next)
		w.WriteHeader(answer.Code)
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write(answer.Body.Bytes())
	}
}

// CutAnswer breaks the connection after n bytes of an answer.
func CutAnswer(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()[:n])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}
