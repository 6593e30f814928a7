"""As much of zerorpc as Kontrol's callbacks use: a client that calls one method after another.

    import zerorpc
    client = zerorpc.Client("tcp://10.2.0.7:8000")      # or Client() and connect()
    client.invoke(json.dumps({"cmd": "echo STATE | socat - /tmp/sock"}))

Client(connect_to=None, timeout=30, heartbeat=5) has connect(), close(), and every method of the server as its own. A call
raises TimeoutExpired after `timeout` seconds (None: never), LostRemote when the server gave no sign of life for three
heartbeats, and RemoteError with the server's name, message and traceback. Streams, servers and middleware are not here.
It works on Debian's python3-zmq and python3-msgpack, without gevent.
"""

import time
import uuid

import msgpack
import zmq

_VERSION = 3
_BEATS_UNTIL_LOST = 3


class TimeoutExpired(Exception):
    """The server lives, and has not answered in time."""


class LostRemote(Exception):
    """Nothing was heard of the server."""


class RemoteError(Exception):
    """What the server answered in place of a result."""

    def __init__(self, name, human_msg, human_traceback=""):
        Exception.__init__(self, name, human_msg, human_traceback)
        self.name = name
        self.msg = human_msg
        self.traceback = human_traceback

    def __str__(self):
        return self.traceback or self.msg


class Client(object):
    def __init__(self, connect_to=None, timeout=30, heartbeat=5):
        self._timeout = timeout
        self._heartbeat = heartbeat
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        if connect_to is not None:
            self.connect(connect_to)

    def connect(self, endpoint):
        self._socket.connect(endpoint)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def __call__(self, method, *args, **options):
        """Calls a method by its name; `timeout` as an option holds for this call."""
        call = self._send(method, list(args))
        return self._answer_of(call, options.get("timeout", self._timeout))

    def __getattr__(self, method):
        if method.startswith("__"):
            raise AttributeError(method)
        return lambda *args, **options: self(method, *args, **options)

    def _send(self, name, args, response_to=None):
        header = {"message_id": uuid.uuid4().hex.encode("ascii"), "v": _VERSION}
        if response_to is not None:
            header["response_to"] = response_to
        self._socket.send_multipart([b"", msgpack.packb([header, name, args], use_bin_type=True)])
        return header["message_id"]

    def _answer_of(self, call, timeout):
        begun = time.monotonic()
        heard = begun
        while True:
            now = time.monotonic()
            if timeout is not None and now - begun >= timeout:
                raise TimeoutExpired("no answer within %s s" % timeout)
            if now - heard >= _BEATS_UNTIL_LOST * self._heartbeat:
                raise LostRemote("nothing heard for %s s" % (_BEATS_UNTIL_LOST * self._heartbeat))
            left = self._heartbeat if timeout is None else min(self._heartbeat, timeout - (now - begun))
            if not self._socket.poll(max(1, int(left * 1000))):
                self._send("_zpc_hb", [0], call)
                continue
            header, name, args = self._receive()
            if _text(header.get("response_to", b"")) != _text(call):
                continue
            heard = time.monotonic()
            if name == "OK":
                return args[0]
            if name == "ERR":
                raise RemoteError(*[_text(arg) for arg in args])

    def _receive(self):
        frames = self._socket.recv_multipart()
        header, name, args = msgpack.unpackb(frames[-1], raw=False, strict_map_key=False)
        return {_text(key): value for key, value in header.items()}, _text(name), args


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
