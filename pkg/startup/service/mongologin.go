package service

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/xdg-go/scram"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/pulpimg/pulpimg/pkg/startup/serviceurl"
)

// mongoCredentials are a user to log in, and the way to do it.
type mongoCredentials struct{ user, password, source, mechanism string }

// mongoLogin reads the credentials of a URL.
// https://www.mongodb.com/docs/manual/reference/connection-string-options/#authentication-options
func mongoLogin(u serviceurl.URL) mongoCredentials {
	return mongoCredentials{
		user: u.User, password: u.Password,
		source:    cmp.Or(mongoOption(u.Options, "authSource"), u.Name(), "admin"),
		mechanism: mongoOption(u.Options, "authMechanism"),
	}
}

// wireSCRAM is the first version of the protocol with SCRAM: that of MongoDB 3.0.
const wireSCRAM = 3

// logIn logs in by the mechanism of the URL, or by the best one of the server. It knows only mechanisms with passwords: a URL does not hold
// what the others need.
// https://github.com/mongodb/specifications/blob/master/source/auth/auth.md
func (m *mongoConn) logIn(login mongoCredentials, server mongoState) error {
	mechanism := login.mechanism
	if mechanism == "" {
		switch {
		case slices.Contains(server.mechanisms, "SCRAM-SHA-256"):
			mechanism = "SCRAM-SHA-256"
		case server.wire >= wireSCRAM:
			mechanism = "SCRAM-SHA-1"
		default:
			mechanism = "MONGODB-CR"
		}
	}
	var err error
	switch mechanism {
	case "SCRAM-SHA-256":
		client, prepareErr := scram.SHA256.NewClient(login.user, login.password, "")
		if prepareErr != nil {
			return &Failure{Credentials, "the user name or password is one that SCRAM-SHA-256 cannot have: " + prepareErr.Error()}
		}
		err = m.converse(login.source, mechanism, client)
	case "SCRAM-SHA-1":
		client, prepareErr := scram.SHA1.NewClientUnprepped(login.user, mongoDigest(login.user, login.password), "")
		if prepareErr != nil {
			return prepareErr
		}
		err = m.converse(login.source, mechanism, client)
	case "MONGODB-CR":
		err = m.challenge(login)
	case "PLAIN":
		_, err = m.run("$external", saslStart(mechanism, []byte("\x00"+login.user+"\x00"+login.password)))
	}
	return judgeLogin(err)
}

// judgeLogin returns what the answer to a login means.
// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
func judgeLogin(err error) error {
	var failed *mongoError
	if !errors.As(err, &failed) {
		return err
	}
	switch failed.code {
	case 11, 13, 18, 334: // UserNotFound, Unauthorized, AuthenticationFailed, MechanismUnavailable
		return refused(failed.text)
	case 0: // MongoDB 2.4 has no code for it in an answer to authenticate
		return refused(failed.text)
	}
	return notReady("the server answers the login with %s (%d)", serverText{text: failed.text}, failed.code)
}

// converse logs in by SCRAM.
// https://www.rfc-editor.org/rfc/rfc5802
func (m *mongoConn) converse(source, mechanism string, client *scram.Client) error {
	conversation := client.NewConversation()
	first, err := conversation.Step("")
	if err != nil {
		return err
	}
	answer, err := m.run(source, saslStart(mechanism, []byte(first)))
	for err == nil {
		id, _ := answer.Lookup("conversationId").AsInt32OK()
		_, payload, ok := answer.Lookup("payload").BinaryOK()
		if !ok {
			return errStrange
		}
		var next string
		if !conversation.Done() {
			if next, err = conversation.Step(string(payload)); err != nil {
				// The proof does not match: the server does not know the password either, or it answered e=...
				return &Failure{Credentials, "the login failed: " + err.Error()}
			}
		}
		if done, _ := answer.Lookup("done").BooleanOK(); done && conversation.Done() {
			return nil
		}
		answer, err = m.run(source, bsoncore.NewDocumentBuilder().AppendInt32("saslContinue", 1).AppendInt32("conversationId", id).
			AppendBinary("payload", 0, []byte(next)).Build())
	}
	return err
}

func saslStart(mechanism string, payload []byte) bsoncore.Document {
	return bsoncore.NewDocumentBuilder().AppendInt32("saslStart", 1).AppendString("mechanism", mechanism).
		AppendBinary("payload", 0, payload).AppendInt32("autoAuthorize", 1).Build()
}

// challenge logs in at a server without SCRAM.
// https://github.com/mongodb/specifications/blob/master/source/auth/auth.md#mongodb-cr
func (m *mongoConn) challenge(login mongoCredentials) error {
	answer, err := m.run(login.source, bsoncore.NewDocumentBuilder().AppendInt32("getnonce", 1).Build())
	if err != nil {
		return err
	}
	nonce, ok := answer.Lookup("nonce").StringValueOK()
	if !ok {
		return errStrange
	}
	key := hexMD5(nonce + login.user + mongoDigest(login.user, login.password))
	_, err = m.run(login.source, bsoncore.NewDocumentBuilder().AppendInt32("authenticate", 1).AppendString("user", login.user).
		AppendString("nonce", nonce).AppendString("key", key).Build())
	return err
}

// mongoDigest is what MongoDB has stored in place of a password before SCRAM-SHA-256.
func mongoDigest(user, password string) string { return hexMD5(user + ":mongo:" + password) }

func hexMD5(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}
