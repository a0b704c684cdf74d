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

// askMongoDB greets the server, logs in if there are credentials, and pings. It is made of the parts of MongoDB's own driver that build
// and read messages: the whole driver is 9.4 MB, and it refuses servers older than MongoDB 4.2, which are what older programs run on.
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

// mongoState is what a server's answer to a greeting says about it.
type mongoState struct {
	wire                        int32 // the version of the protocol; 0 up to MongoDB 2.4
	primary, secondary, arbiter bool
	set                         string // the replica set that it is in
	uninitialised               bool   // it is to be in one, and does not know in which
	knowsPrimary                bool
	mechanisms                  []string // by which the user may log in, if the server says so
}

// hello greets the server in the way that all versions understand, and if that one has given it up, in the new way.
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

// fits says whether a server is one that a client can work with: of the replica set that is wanted, and of one that has a primary.
func (s mongoState) fits(set, readPreference string) error {
	switch {
	case s.uninitialised:
		return notReady("its replica set is not initiated yet")
	case set != "" && s.set == "":
		return &Failure{Stranger, fmt.Sprintf("it is not in the replica set %q, nor in any", set)}
	case set != "" && s.set != set:
		return &verdict{Stranger, "it is in the replica set %s, not %q", []any{said{text: s.set}, set}}
	case s.arbiter:
		return notReady("it is an arbiter, which holds no data")
	case !s.primary && !s.secondary:
		return notReady("it is neither a primary nor a secondary yet")
	case !s.primary && !s.knowsPrimary && (readPreference == "" || strings.HasPrefix(readPreference, "primary")):
		return notReady("its replica set has no primary yet")
	}
	return nil
}

// A mongoError is a command that the server did not do.
// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
type mongoError struct {
	code int32
	text string
}

func (e *mongoError) Error() string { return e.text }

// judgeMongo says what it means that a server answers a greeting or a ping, which need no login, with an error.
func judgeMongo(err error) error {
	var failed *mongoError
	if !errors.As(err, &failed) {
		return err
	}
	return notReady("the server answers %s (%d)", said{text: failed.text}, failed.code)
}
