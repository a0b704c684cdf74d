//lint:file-ignore SA1019 the server that is played here is an old one
package service_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"

	"github.com/pulpimg/pulpimg/pkg/startup/service"
)

//lint:file-ignore SA1019 old servers understand nothing else

// A mongoServer answers commands by their name, with OP_REPLY to OP_QUERY and nothing to anything else: as MongoDB 2.4 does.
type mongoServer map[string]func(command bsoncore.Document) bsoncore.Document

func document(build func(*bsoncore.DocumentBuilder)) func(bsoncore.Document) bsoncore.Document {
	b := bsoncore.NewDocumentBuilder()
	build(b)
	d := b.Build()
	return func(bsoncore.Document) bsoncore.Document { return d }
}

var mongoOK = document(func(b *bsoncore.DocumentBuilder) { b.AppendDouble("ok", 1) })

func (m mongoServer) serve(c net.Conn) {
	for {
		header := make([]byte, 16)
		if _, err := io.ReadFull(c, header); err != nil {
			return
		}
		body := make([]byte, int(binary.LittleEndian.Uint32(header))-16)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		if wiremessage.OpCode(binary.LittleEndian.Uint32(header[12:])) != wiremessage.OpQuery {
			return
		}
		_, body, _ = wiremessage.ReadQueryFlags(body)
		_, body, _ = wiremessage.ReadQueryFullCollectionName(body)
		command, _, _ := bsoncore.ReadDocument(body[8:])
		answer, ok := m[command.Index(0).Key()]
		if !ok {
			answer = document(func(b *bsoncore.DocumentBuilder) {
				b.AppendDouble("ok", 0).AppendString("errmsg", "no such cmd: "+command.Index(0).Key())
			})
		}
		start, b := wiremessage.AppendHeaderStart(nil, 1, int32(binary.LittleEndian.Uint32(header[4:])), wiremessage.OpReply)
		b = wiremessage.AppendReplyFlags(b, 0)
		b = wiremessage.AppendReplyCursorID(b, 0)
		b = wiremessage.AppendReplyStartingFrom(b, 0)
		b = wiremessage.AppendReplyNumberReturned(b, 1)
		b = append(b, answer(command)...)
		if _, err := c.Write(bsoncore.UpdateLength(b, start, int32(len(b)))); err != nil {
			return
		}
	}
}

// mongo24 runs a server as old as MongoDB 2.4, with further or other commands.
func mongo24(t *testing.T, more mongoServer) string {
	t.Helper()
	all := mongoServer{
		"isMaster": document(func(b *bsoncore.DocumentBuilder) {
			b.AppendBoolean("ismaster", true).AppendInt32("maxBsonObjectSize", 16777216).AppendDouble("ok", 1)
		}),
		"ping": mongoOK,
	}
	for name, answer := range more {
		all[name] = answer
	}
	return serve(t, all.serve)
}

// A server as old as MongoDB 2.4 counts as available.
func TestMongoDB_version24(t *testing.T) {
	if err := probe(t, "mongodb://"+mongo24(t, nil), long); err != nil {
		t.Error(err)
	}
}

// The key is that of the specification's example: user "user", password "pencil", made by hand with md5sum.
func TestMongoDB_oldLogin(t *testing.T) {
	const nonce, key = "2375531c32080ae8", "21742f26431831d5cfca035a08c5bdf6"
	server := mongo24(t, mongoServer{
		"getnonce": document(func(b *bsoncore.DocumentBuilder) { b.AppendString("nonce", nonce).AppendDouble("ok", 1) }),
		"authenticate": func(command bsoncore.Document) bsoncore.Document {
			if command.Lookup("key").StringValue() == key && command.Lookup("nonce").StringValue() == nonce {
				return mongoOK(command)
			}
			return document(func(b *bsoncore.DocumentBuilder) { b.AppendDouble("ok", 0).AppendString("errmsg", "auth fails") })(command)
		},
	})
	if err := probe(t, "mongodb://user:pencil@"+server, long); err != nil {
		t.Error(err)
	}
	wantFailure(t, probe(t, "mongodb://user:pen@"+server, long), service.Credentials, "auth fails")
}

// The state of the replica set decides whether a server is available.
func TestMongoDB_replicaSet(t *testing.T) {
	for _, test := range []struct {
		name, options string
		state         func(*bsoncore.DocumentBuilder)
		cause         service.Cause
		want          string // nothing: available
	}{
		{"a primary", "?replicaSet=rs", func(b *bsoncore.DocumentBuilder) { b.AppendBoolean("ismaster", true).AppendString("setName", "rs") }, 0, ""},
		{"a secondary", "", func(b *bsoncore.DocumentBuilder) {
			b.AppendBoolean("ismaster", false).AppendBoolean("secondary", true).AppendString("setName", "rs").AppendString("primary", "a:1")
		}, 0, ""},
		{"a secondary for reading", "?readPreference=secondary", func(b *bsoncore.DocumentBuilder) {
			b.AppendBoolean("secondary", true).AppendString("setName", "rs")
		}, 0, ""},
		{"an election", "", func(b *bsoncore.DocumentBuilder) {
			b.AppendBoolean("secondary", true).AppendString("setName", "rs")
		}, service.NotReady, "no primary yet"},
		{"another set", "?replicaSet=rs", func(b *bsoncore.DocumentBuilder) { b.AppendBoolean("ismaster", true).AppendString("setName", "x") }, service.WrongProtocol, `in the replica set "x", not "rs"`},
		{"another set, in small letters", "?replicaset=rs", func(b *bsoncore.DocumentBuilder) { b.AppendBoolean("ismaster", true).AppendString("setName", "x") }, service.WrongProtocol, `in the replica set "x", not "rs"`},
		{"no set", "?replicaSet=rs", func(b *bsoncore.DocumentBuilder) { b.AppendBoolean("ismaster", true) }, service.WrongProtocol, `not in the replica set "rs"`},
		{"not initiated", "", func(b *bsoncore.DocumentBuilder) { b.AppendBoolean("isreplicaset", true) }, service.NotReady, "not initiated yet"},
		{"starting", "", func(b *bsoncore.DocumentBuilder) { b.AppendString("setName", "rs") }, service.NotReady, "neither a primary nor a secondary"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := mongo24(t, mongoServer{"isMaster": document(func(b *bsoncore.DocumentBuilder) {
				test.state(b)
				b.AppendDouble("ok", 1)
			})})
			err := probe(t, "mongodb://"+server+"/"+test.options, long)
			if test.want != "" {
				wantFailure(t, err, test.cause, test.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// MongoDB's options may be in small or capital letters.
func TestMongoOption_case(t *testing.T) {
	var source string
	server := mongo24(t, mongoServer{"isMaster": func(command bsoncore.Document) bsoncore.Document {
		source, _ = command.Lookup("saslSupportedMechs").StringValueOK()
		return document(func(b *bsoncore.DocumentBuilder) { b.AppendBoolean("ismaster", true).AppendDouble("ok", 1) })(command)
	}})
	if err := probe(t, "mongodb://me:pw@"+server+"/data?authsource=users&AUTHMECHANISM=none", long); err != nil || source != "users.me" {
		t.Errorf("%v; asked for the mechanisms of %s, want users.me", err, source)
	}
	wantFailure(t, probe(t, "mongodb://"+server+"/?TLS=true", short), service.Silent, "did not answer TLS")
}
