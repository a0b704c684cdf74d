package service

import (
	"encoding/binary"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

// wireOpMsg is the first version of the protocol in which commands are OP_MSG messages: that of MongoDB 3.6. Older servers take OP_QUERY.
// https://github.com/mongodb/specifications/blob/master/source/message/OP_MSG.md
const wireOpMsg = 6

// A mongoConn sends commands to a server.
type mongoConn struct {
	*conn
	modern bool // OP_MSG
}

// run sends a command to a database and returns the answer; the error is a *mongoError if the command failed.
func (m *mongoConn) run(database string, command bsoncore.Document) (bsoncore.Document, error) {
	message := queryMessage(database, command)
	if m.modern {
		message = opMessage(database, command)
	}
	header, err := m.exchange(message, 16)
	if err != nil {
		return nil, err
	}
	if !isMongoMessage(header) {
		return nil, errStrange
	}
	body, err := m.read(int(binary.LittleEndian.Uint32(header)) - 16)
	if err != nil {
		return nil, err
	}
	return readMongoMessage(append(header, body...))
}

// queryMessage encodes a command for old servers. Servers of all versions accept it as the first command.
// https://www.mongodb.com/docs/manual/legacy-opcodes/#op_query
//
//lint:file-ignore SA1019 old servers understand nothing else
func queryMessage(database string, command bsoncore.Document) []byte {
	//lint:ignore SA1019 old servers know nothing else
	start, b := wiremessage.AppendHeaderStart(nil, wiremessage.NextRequestID(), 0, wiremessage.OpQuery)
	b = wiremessage.AppendQueryFlags(b, wiremessage.SecondaryOK)
	b = wiremessage.AppendQueryFullCollectionName(b, database+".$cmd")
	b = wiremessage.AppendQueryNumberToSkip(b, 0)
	b = wiremessage.AppendQueryNumberToReturn(b, -1)
	b = append(b, command...)
	return bsoncore.UpdateLength(b, start, int32(len(b)))
}

// opMessage encodes a command for newer servers.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/#op_msg
func opMessage(database string, command bsoncore.Document) []byte {
	elements := append([]byte{}, command[4:len(command)-1]...)
	elements = bsoncore.AppendStringElement(elements, "$db", database)
	start, b := wiremessage.AppendHeaderStart(nil, wiremessage.NextRequestID(), 0, wiremessage.OpMsg)
	b = wiremessage.AppendMsgFlags(b, 0)
	b = wiremessage.AppendMsgSectionType(b, wiremessage.SingleDocument)
	b = bsoncore.BuildDocument(b, elements)
	return bsoncore.UpdateLength(b, start, int32(len(b)))
}

// isMongoMessage reports whether bytes begin with the header of an answer.
func isMongoMessage(b []byte) bool {
	length, _, _, code, _, ok := wiremessage.ReadHeader(b)
	return ok && length >= 16 && length <= enough && (code == wiremessage.OpReply || code == wiremessage.OpMsg)
}

// readMongoMessage reads an answer of either kind.
func readMongoMessage(message []byte) (bsoncore.Document, error) {
	_, _, _, code, rest, ok := wiremessage.ReadHeader(message)
	if !ok {
		return nil, errStrange
	}
	var document bsoncore.Document
	if code == wiremessage.OpMsg {
		document, ok = readOpMsg(rest)
	} else {
		document, ok = readOpReply(rest)
	}
	if !ok || document.Validate() != nil {
		return nil, errStrange
	}
	return document, failureOf(document)
}

func readOpMsg(b []byte) (bsoncore.Document, bool) {
	_, b, ok := wiremessage.ReadMsgFlags(b)
	if !ok {
		return nil, false
	}
	kind, b, ok := wiremessage.ReadMsgSectionType(b)
	if !ok || kind != wiremessage.SingleDocument {
		return nil, false
	}
	document, _, ok := wiremessage.ReadMsgSectionSingleDocument(b)
	return document, ok
}

func readOpReply(b []byte) (bsoncore.Document, bool) {
	const before = 4 + 8 + 4 + 4 // flags, cursor, place, number
	if len(b) < before {
		return nil, false
	}
	document, _, ok := wiremessage.ReadReplyDocument(b[before:])
	return document, ok
}

// failureOf returns an answer as an error if it reports one.
func failureOf(d bsoncore.Document) error {
	if ok, is := d.Lookup("ok").AsFloat64OK(); is && ok == 1 {
		return nil
	}
	failed := &mongoError{text: "no reason"}
	if text, ok := d.Lookup("errmsg").StringValueOK(); ok {
		failed.text = text
	} else if text, ok := d.Lookup("$err").StringValueOK(); ok { // of an OP_QUERY that failed
		failed.text = text
	}
	failed.code, _ = d.Lookup("code").AsInt32OK()
	return failed
}
