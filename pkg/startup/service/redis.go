package service

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// askRedis logs in if there are credentials, and pings.
// https://redis.io/docs/latest/develop/reference/protocol-spec/
func askRedis(ctx context.Context, s *session) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	call := func(words ...string) (redisReply, error) {
		if _, err := c.Write(redisCommand(words...)); err != nil {
			return redisReply{}, err
		}
		return readRedisReply(c.in)
	}
	if u := s.service.url; u.Password != "" {
		login := []string{"AUTH", u.Password}
		if u.User != "" {
			login = []string{"AUTH", u.User, u.Password}
		}
		reply, err := call(login...)
		if err != nil {
			return err
		}
		if err := reply.judge(true); err != nil {
			return err
		}
	}
	reply, err := call("PING")
	if err != nil {
		return err
	}
	return reply.judge(false)
}

func redisCommand(words ...string) []byte {
	out := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(w), w)
	}
	return out
}

// A redisReply is one line: a simple string, or an error. Neither of the commands has another answer.
type redisReply struct {
	failed bool
	text   string
}

func readRedisReply(r *bufio.Reader) (redisReply, error) {
	first, err := r.Peek(1)
	if err != nil {
		return redisReply{}, err
	}
	if first[0] != '+' && first[0] != '-' {
		return redisReply{}, errStrange
	}
	line, err := readLine(r)
	if err != nil {
		return redisReply{}, err
	}
	reply := redisReply{failed: line[0] == '-', text: line[1:]}
	if !reply.failed && reply.text != "OK" && reply.text != "PONG" { // such as a mail server's +OK with a greeting
		return redisReply{}, errStrange
	}
	return reply, nil
}

// judge returns what an answer to a login, or to a ping, means.
func (r redisReply) judge(login bool) error {
	if !r.failed {
		return nil
	}
	switch kind, _, _ := strings.Cut(r.text, " "); kind {
	case "NOAUTH", "NOPERM":
		return nil // it is available; other commands would need a login
	case "WRONGPASS":
		return refused(r.text)
	case "LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN":
		return notReady("%s", serverText{text: r.text})
	case "ERR":
		// A wrong password, before Redis 6; or a password for a server that has none, which its clients also treat as an error.
		if login {
			return refused(r.text)
		}
	}
	return notReady("the server answers %s", serverText{text: r.text})
}
