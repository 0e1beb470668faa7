"""The plugin's process: print the port, then serve until the engine ends it."""

import signal
import sys
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.aws_plugin.provider import AwsProvider

_THREADS = 64
"""Each waiting stack occupies one."""
_MAXIMUM_MESSAGE_BYTES = 400 * 1024 * 1024


def main() -> None:
    """Serve; the first line of standard output is the port, as the engine expects."""
    # How the engine ends a plugin. The real one says nothing then; what Python would say is shown to people.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=_THREADS),
        options=[("grpc.max_receive_message_length", _MAXIMUM_MESSAGE_BYTES)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AwsProvider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
