"""The command line of the worker: listens, says so, serves one connection, exits.

The options and the lines that say it is ready are those of TorchServe 0.12. Exit codes: 0 the server
closed the connection, 1 something went wrong, 2 bad usage.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from typing import List, Optional, Sequence

from .document import DocumentError
from .errors import ConnectionEnded, FrameError
from .metrics.cache import MetricsCache
from .metrics.declared import Declaration, declare, read_declarations
from .metrics.lines import Lines, to_descriptor
from .server import accept, listen_tcp, listen_unix
from .session import Session

#: Modules that handlers import from TorchServe; behind everything else that is installed.
COMPAT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "compat")


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        prog="model_service_worker.py", description="Runs one model's code for the server."
    )
    options.add_argument("--sock-type", choices=["unix", "tcp"], required=True)
    options.add_argument("--sock-name", metavar="PATH", help="with unix: where to listen")
    options.add_argument("--port", type=int, help="with tcp: the port on loopback, 0 for a free one")
    options.add_argument("--host", choices=["127.0.0.1", "localhost"], help="accepted; it is loopback")
    options.add_argument("--metrics-config", metavar="FILE", help="metrics that handlers find by name")
    options.add_argument("--async", dest="is_async", action="store_true",
                         help="accepted; batches are answered one after the other")
    options.add_argument("--preload-model", metavar="BOOL", help="accepted; models come with LOAD")
    return options


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code."""
    options = parser()
    chosen = options.parse_args(arguments)
    if chosen.sock_type == "unix" and not chosen.sock_name:
        options.error("--sock-type unix needs --sock-name PATH")
    if chosen.sock_type == "tcp" and not 0 <= (-1 if chosen.port is None else chosen.port) <= 65535:
        options.error("--sock-type tcp needs --port, 0 to 65535")
    for stream in (sys.stdout, sys.stderr):
        # Whole lines, whatever the environment says: the server reads them.
        stream.reconfigure(line_buffering=True, write_through=False)
    if COMPAT not in sys.path:
        sys.path.append(COMPAT)
    try:
        return serve(chosen)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Nobody reads the lines any more: the server is gone.
        silence()
        return 1


def serve(chosen: argparse.Namespace) -> int:
    """Listens, waits for the server and answers it."""
    declarations = declared(chosen.metrics_config)
    try:
        if chosen.sock_type == "unix":
            listener, name = listen_unix(chosen.sock_name)
        else:
            listener, name = listen_tcp(chosen.port)
    except OSError as error:
        return failed(f"cannot listen on {chosen.sock_name or chosen.port}: {error}")
    print(f"Listening on port: {name}")
    print(f"[PID]{os.getpid()}")
    print("Torch worker started.")
    print(f"Python runtime: {sys.version.split()[0]}")
    try:
        connection = accept(listener)
    except socket.timeout:
        return failed(f"nobody connected to {name} in time")
    finally:
        listener.close()
        if chosen.sock_type == "unix":
            unlink(name)
    print(f"Connection accepted: {name}.")
    lines = Lines(to_descriptor(sys.stdout.fileno()))

    def new_metrics(model_name: str) -> MetricsCache:
        metrics = MetricsCache(lines, model_name)
        declare(declarations, metrics)
        return metrics

    with connection:
        try:
            Session(connection, new_metrics).run()
        except FrameError as error:
            return failed(f"the server sent what is no request: {error}")
        except ConnectionEnded:
            return failed("the server closed the connection in the middle of a request")
        except (ConnectionResetError, BrokenPipeError):
            return failed("the connection to the server broke")
    return 0


def declared(path: Optional[str]) -> List[Declaration]:
    """The metrics of the file; a file that cannot be read is said so and declares none."""
    if not path:
        return []
    try:
        return read_declarations(path)
    except DocumentError as error:
        print(f"metrics are not declared: {error}", file=sys.stderr)
        return []


def failed(why: str) -> int:
    """Says why the worker ends."""
    print(f"model_service_worker.py: {why}", file=sys.stderr)
    return 1


def unlink(path: str) -> None:
    """Removes the socket: it has had its one connection."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def silence() -> None:
    """Lets the interpreter end without complaint about a closed stdout."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
