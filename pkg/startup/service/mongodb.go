package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// askMongoDB greets the server, logs in if there are credentials, and pings. It uses only those parts of MongoDB's own driver that build
// and read messages: the whole driver is 9.4 MB, and it refuses servers older than MongoDB 4.2, which older programs still need.
// https://github.com/mongodb/specifications/blob/master/source/mongodb-handshake/handshake.md
func askMongoDB(ctx context.Context, s *session) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	m := &mongoConn{conn: c}
	login := mongoLogin(s.service.url)
	server, err := m.hello(login)
	if err != nil {
		return err
	}
	options := s.service.url.Options
	if err := server.fits(mongoOption(options, "replicaSet"), mongoOption(options, "readPreference")); err != nil {
		return err
	}
	if login.user != "" {
		if err := m.logIn(login, server); err != nil {
			return err
		}
	}
	_, err = m.run("admin", bsoncore.NewDocumentBuilder().AppendInt32("ping", 1).Build())
	return judgeMongo(err)
}

// mongoOption returns an option of a URL, or nothing. Their names may be written in small or capital letters.
// https://www.mongodb.com/docs/manual/reference/connection-string-options/
func mongoOption(o url.Values, name string) string {
	if value := o.Get(name); value != "" {
		return value
	}
	for _, other := range slices.Sorted(maps.Keys(o)) {
		if strings.EqualFold(other, name) {
			return o.Get(other)
		}
	}
	return ""
}

// mongoState is what a server reports about itself in answer to a greeting.
type mongoState struct {
	wire                        int32 // the version of the protocol; 0 up to MongoDB 2.4
	primary, secondary, arbiter bool
	set                         string // the replica set that it is in
	uninitialised               bool   // it is configured for a replica set that is not initiated
	knowsPrimary                bool
	mechanisms                  []string // by which the user may log in, if the server says so
}

// hello greets the server by the old command, and if the server no longer knows it, by the new one.
func (m *mongoConn) hello(login mongoCredentials) (mongoState, error) {
	greeting := func(name string) bsoncore.Document {
		b := bsoncore.NewDocumentBuilder().AppendInt32(name, 1).AppendBoolean("helloOk", true)
		if login.user != "" {
			b.AppendString("saslSupportedMechs", login.source+"."+login.user)
		}
		return b.Build()
	}
	answer, err := m.run("admin", greeting("isMaster"))
	var failed *mongoError
	if errors.As(err, &failed) {
		m.modern = true
		answer, err = m.run("admin", greeting("hello"))
	}
	if err != nil {
		return mongoState{}, judgeMongo(err)
	}
	state := readMongoState(answer)
	m.modern = state.wire >= wireOpMsg
	return state, nil
}

func readMongoState(d bsoncore.Document) mongoState {
	flag := func(name string) bool { v, _ := d.Lookup(name).BooleanOK(); return v }
	text := func(name string) string { v, _ := d.Lookup(name).StringValueOK(); return v }
	s := mongoState{
		primary: flag("ismaster") || flag("isWritablePrimary"), secondary: flag("secondary"), arbiter: flag("arbiterOnly"),
		set: text("setName"), uninitialised: flag("isreplicaset"), knowsPrimary: text("primary") != "",
	}
	s.wire, _ = d.Lookup("maxWireVersion").AsInt32OK()
	if list, ok := d.Lookup("saslSupportedMechs").ArrayOK(); ok {
		values, _ := list.Values()
		for _, v := range values {
			if name, ok := v.StringValueOK(); ok {
				s.mechanisms = append(s.mechanisms, name)
			}
		}
	}
	return s
}

// fits returns an error unless a client can work with the server: it must be in the wanted replica set, which must have a primary.
func (s mongoState) fits(set, readPreference string) error {
	switch {
	case s.uninitialised:
		return notReady("its replica set is not initiated yet")
	case set != "" && s.set == "":
		return &Failure{WrongProtocol, fmt.Sprintf("it is not in the replica set %q, nor in any", set)}
	case set != "" && s.set != set:
		return &serverError{WrongProtocol, "it is in the replica set %s, not %q", []any{serverText{text: s.set}, set}}
	case s.arbiter:
		return notReady("it is an arbiter, which holds no data")
	case !s.primary && !s.secondary:
		return notReady("it is neither a primary nor a secondary yet")
	case !s.primary && !s.knowsPrimary && (readPreference == "" || strings.HasPrefix(readPreference, "primary")):
		return notReady("its replica set has no primary yet")
	}
	return nil
}

// A mongoError is the server's answer to a command that failed.
// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
type mongoError struct {
	code int32
	text string
}

func (e *mongoError) Error() string { return e.text }

// judgeMongo returns what an error in answer to a greeting or a ping means. Neither of them needs a login.
func judgeMongo(err error) error {
	var failed *mongoError
	if !errors.As(err, &failed) {
		return err
	}
	return notReady("the server answers %s (%d)", serverText{text: failed.text}, failed.code)
}
