package service

import (
	"bufio"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// askHTTP requests the URL from a web server. With any status below 500 the server is available, even if the page is not. It reads only the
// first line of the answer, and does without net/http, which would add a megabyte to the program.
// https://www.rfc-editor.org/rfc/rfc9112#section-4
func askHTTP(ctx context.Context, s *session) error {
	code, status, err := get(ctx, s)
	switch {
	case err != nil:
		return err
	case code >= 500:
		return notReady("the server answers %s", serverText{text: status})
	case s.service.url.User != "" && (code == 401 || code == 403):
		return refused(status)
	}
	return nil
}

// askPage requests the URL from a web server, which has to have the page or lead to another one, as in Kubernetes.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#define-a-liveness-http-request
func askPage(ctx context.Context, s *session) error {
	code, status, err := get(ctx, s)
	if err == nil && (code < 200 || code >= 400) {
		return notReady("the server answers %s", serverText{text: status})
	}
	return err
}

// get makes one request, and returns the status code of the answer, also with its words.
func get(ctx context.Context, s *session) (code int, status string, err error) {
	c, err := s.dial(ctx)
	if err != nil {
		return 0, "", err
	}
	if _, err := c.Write(httpRequest(s)); err != nil {
		return 0, "", err
	}
	line, err := readLine(c.in)
	if err != nil {
		return 0, "", err
	}
	code, reason, err := parseStatus(line)
	return code, strings.TrimSpace(fmt.Sprintf("%d %s", code, reason)), err
}

func httpRequest(s *session) []byte {
	u := s.service.url
	target := cmp.Or(u.Path, "/")
	if u.RawQuery != "" {
		target += "?" + u.RawQuery
	}
	request := "GET " + target + " HTTP/1.1\r\nHost: " + s.host.String() + "\r\nUser-Agent: pulp-helper\r\nConnection: close\r\n"
	if u.User != "" {
		request += "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(u.User+":"+u.Password)) + "\r\n"
	}
	return []byte(request + "\r\n")
}

// parseStatus reads the first line of an answer.
func parseStatus(line string) (code int, reason string, err error) {
	version, rest, _ := strings.Cut(line, " ")
	digits, reason, _ := strings.Cut(rest, " ")
	code, err = strconv.Atoi(digits)
	if !strings.HasPrefix(version, "HTTP/") || err != nil || code < 100 || code > 999 {
		return 0, "", errStrange
	}
	return code, reason, nil
}

// readLine reads a line and returns it without its end. It may be as long as the reader's buffer.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return "", errEndless
	}
	return strings.TrimRight(string(line), "\r\n"), err
}
