"""gRPC with grpcio on both sides: a server whose methods do what their first message says, and channels to it. No protobuf: messages
are bytes."""
import concurrent.futures
import os
import sys
import threading
import time

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, whichever python3 runs this
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
import grpc  # noqa: E402

from . import wait  # noqa: E402

METHODS = ("unary", "server", "client", "bidi")


def _same(message):
    return message


class Server:
    """Says what it was asked. `deadlines`: what each call had left when it began, in seconds. `cancelled` counts calls whose client left."""

    def __init__(self, name="rpc", tls=None, options=(), workers=64):
        self.name = name
        self.metadata, self.deadlines, self.peers, self.cancelled = [], [], set(), 0
        self.calls = 0
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(workers), options=[
            ("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), *options])
        handlers = {
            "unary": grpc.unary_unary_rpc_method_handler(self.unary, _same, _same),
            "server": grpc.unary_stream_rpc_method_handler(self.serve, _same, _same),
            "client": grpc.stream_unary_rpc_method_handler(self.client, _same, _same),
            "bidi": grpc.stream_stream_rpc_method_handler(self.bidi, _same, _same),
        }
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", handlers),))
        if tls:
            credentials = grpc.ssl_server_credentials([(tls.key.encode(), tls.cert.encode())])
            port = self.server.add_secure_port("127.0.0.1:0", credentials)
        else:
            port = self.server.add_insecure_port("127.0.0.1:0")
        self.address = ("127.0.0.1", port)
        self.server.start()

    def close(self):
        self.gate.set()
        self.server.stop(0)

    def leave(self, grace=20):
        """GOAWAY: takes no new calls and ends those that are there. An event that is set when it is done."""
        return self.server.stop(grace)

    def _begin(self, context):
        def over():  # asked of grpcio's own state: a method may see the end of its messages before it hears why they ended
            with self.lock:
                self.cancelled += context._state.client == "cancelled"

        with self.lock:
            self.calls += 1
            self.metadata.append(dict(context.invocation_metadata()))
            self.deadlines.append(context.time_remaining())
            self.peers.add(context.peer())
        context.add_callback(over)
        context.send_initial_metadata((("x-served-by", self.name),))
        context.set_trailing_metadata((("x-trailer", "of " + self.name), ("x-bytes-bin", b"\0\1\2")))

    def _obey(self, message, context):
        """"fail 9 text" fails with that status; "hold" waits until the gate opens or the client leaves."""
        words = message[:200].split(b" ", 2)
        if words[0] == b"fail":
            context.abort([c for c in grpc.StatusCode if c.value[0] == int(words[1])][0], words[2].decode())
        if words[0] == b"hold":
            while context.is_active() and not self.gate.wait(0.02):
                pass

    def unary(self, message, context):
        self._begin(context)
        self._obey(message, context)
        return message

    def serve(self, message, context):
        """"N size": so many messages of that size."""
        self._begin(context)
        self._obey(message, context)
        count, size = map(int, message.split(b" "))
        for n in range(count):
            yield (b"%d " % n).ljust(size, b"x")

    def client(self, messages, context):
        self._begin(context)
        count = total = 0
        for message in messages:
            self._obey(message, context)
            count, total = count + 1, total + len(message)
        return b"%d %d" % (count, total)

    def bidi(self, messages, context):
        self._begin(context)
        for message in messages:
            self._obey(message, context)
            yield message


class Client:
    """A channel to an address, and the four methods: by name, unary(b"…", timeout=…) and so on."""

    def __init__(self, address, host="a.test", certificate=None, options=()):
        target = f"{address[0]}:{address[1]}"
        options = [("grpc.default_authority", host), ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
                   ("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1), *options]
        if certificate:
            credentials = grpc.ssl_channel_credentials(certificate.cert.encode())
            options.append(("grpc.ssl_target_name_override", host))
            self.channel = grpc.secure_channel(target, credentials, options)
        else:
            self.channel = grpc.insecure_channel(target, options)
        kinds = (self.channel.unary_unary, self.channel.unary_stream, self.channel.stream_unary, self.channel.stream_stream)
        for name, kind in zip(METHODS, kinds):
            setattr(self, name, self.method(name, kind))

    def method(self, name, kind=None, service="test.Echo"):
        call = (kind or self.channel.unary_unary)(f"/{service}/{name}", _same, _same)

        def ask(*args, timeout=wait.SECONDS, **rest):
            return call(*args, timeout=timeout, **rest)

        ask.call = call
        return ask

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def failure(ask, *args, **rest):
    """The RpcError of a call that must fail."""
    try:
        answer = ask(*args, **rest)
        for _ in answer if hasattr(answer, "__next__") else ():
            pass
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")


class Feed:
    """A request stream that is fed from outside."""

    def __init__(self):
        self.items, self.changed, self.is_over = [], threading.Condition(), False

    def put(self, *messages):
        with self.changed:
            self.items += messages
            self.changed.notify_all()

    def end(self):
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def __iter__(self):
        return self

    def __next__(self):
        with self.changed:
            self.changed.wait_for(lambda: self.items or self.is_over)
            if self.items:
                return self.items.pop(0)
        raise StopIteration


def now():
    return time.monotonic()
