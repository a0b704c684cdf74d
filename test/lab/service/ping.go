package service

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// pingLimit is how long a server that has accepted a connection may take to
// answer before it is asked again.
const pingLimit = 2 * time.Second

// exchange sends the request to the address and returns what answer reads.
func exchange(ctx context.Context, address string, request []byte, answer func(io.Reader) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	return answer(conn)
}

// opMsg is the operation code of MongoDB's messages: see
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/.
const opMsg = 2013

// helloMessage is {hello: 1, $db: "admin"} as a message of MongoDB's protocol.
func helloMessage() []byte {
	const document = "\x10hello\x00\x01\x00\x00\x00" + "\x02$db\x00\x06\x00\x00\x00admin\x00" + "\x00"
	const flagsAndKind = "\x00\x00\x00\x00\x00"
	words := func(words ...int) []byte {
		var text []byte
		for _, word := range words {
			text = binary.LittleEndian.AppendUint32(text, uint32(word))
		}
		return text
	}
	size := words(4 + len(document))
	header := words(16+len(flagsAndKind)+len(size)+len(document), 1, 0, opMsg)
	return bytes.Join([][]byte{header, []byte(flagsAndKind), size, []byte(document)}, nil)
}

// readMessage reads a message of MongoDB's protocol and returns its body.
func readMessage(r io.Reader) ([]byte, error) {
	var header struct{ Length, ID, ResponseTo, OpCode int32 }
	if err := binary.Read(r, binary.LittleEndian, &header); err != nil {
		return nil, err
	}
	if header.OpCode != opMsg || header.Length < 16 || header.Length > 1<<20 {
		return nil, fmt.Errorf("a header that MongoDB does not send: %+v", header)
	}
	body := make([]byte, header.Length-16)
	_, err := io.ReadFull(r, body)
	return body, err
}

// pingMongoDB says hello as MongoDB's drivers do.
func pingMongoDB(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		body, err := exchange(ctx, address, helloMessage(), readMessage)
		if err == nil && !bytes.Contains(body, []byte("\x08isWritablePrimary\x00\x01")) {
			err = fmt.Errorf("the answer to hello is %q", body)
		}
		return err
	}
}

// amqpHeader is how a client of AMQP 0-9-1 opens a connection: see section
// 4.2.2 of https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf.
const amqpHeader = "AMQP\x00\x00\x09\x01"

// pingAMQP opens an AMQP 0-9-1 connection as far as the server's first frame.
func pingAMQP(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		frame, err := exchange(ctx, address, []byte(amqpHeader), func(r io.Reader) ([]byte, error) {
			frame := make([]byte, 11) // type, channel, size, class, method
			_, err := io.ReadFull(r, frame)
			return frame, err
		})
		// connection.start is a method (1) on channel 0, of class 10, with the number 10.
		if err == nil && (!bytes.HasPrefix(frame, []byte{1, 0, 0}) || !bytes.HasSuffix(frame, []byte{0, 10, 0, 10})) {
			err = fmt.Errorf("the answer to AMQP's header is %q", frame)
		}
		return err
	}
}

// pingTCP connects.
func pingTCP(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := exchange(ctx, address, nil, func(io.Reader) ([]byte, error) { return nil, nil })
		return err
	}
}
