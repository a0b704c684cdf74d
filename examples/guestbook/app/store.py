"""The few commands of Redis that the guestbook needs. https://redis.io/docs/latest/develop/reference/protocol-spec/"""
import os
import socket


class Store:
    def __init__(self):
        address = os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])
        self.file = socket.create_connection(address).makefile("rwb")

    def command(self, *words):
        words = [word.encode() if isinstance(word, str) else word for word in words]
        self.file.write(b"*%d\r\n" % len(words))
        for word in words:
            self.file.write(b"$%d\r\n%s\r\n" % (len(word), word))
        self.file.flush()
        return self.answer()

    def answer(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:].strip()
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.answer() for _ in range(int(rest))]
        if kind == b"-" or not line:
            raise RuntimeError(rest.decode() or "Redis closed the connection")
        return rest
