"""Our reader against meters that others built: a far end that says what real meters were heard to say."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server

import pytest
from click.testing import CliRunner

from gateway.cli.main import main


@contextmanager
def far_end(said: bytes) -> Iterator[int]:
    """A TCP port that answers a sign-on with a captured identification, an option select with the captured rest."""
    identification, line_end, rest = said.partition(b"\n")
    with create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while heard := connection.recv(64):
                    connection.sendall(identification + line_end if heard.startswith(b"/?") else rest)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def read(vectors: Path, name: str) -> tuple[int, str, str]:
    """What `metergate read` makes of that meter: exit code, standard output, standard error."""
    with far_end((vectors / f"{name}.bin").read_bytes()) as port:
        found = CliRunner().invoke(main, ["read", f"tcp://127.0.0.1:{port}?baud=9600&time_scale=10", "--json"])
    return found.exit_code, found.stdout, found.stderr


@pytest.mark.parametrize("name", ["iskra-me162_0033-1", "iskra-mt174_0001-1"])
def test_a_real_meters_words_are_read_whole(vectors: Path, name: str) -> None:
    code, stdout, _ = read(vectors, name)
    record = json.loads(stdout)
    printed = json.loads((vectors / f"{name}.json").read_text())["expected"]["datasets_ref"]
    assert code == 0
    assert [[value["address"], value["raw"].split(")(")] for value in record["values"]] == printed


def test_a_real_meters_damaged_words_are_refused(vectors: Path) -> None:
    code, stdout, stderr = read(vectors, "iskra-mt171_0033-1")
    assert (code, stdout) == (5, "")
    assert "E-READ-6" in stderr
    assert "sent 10, computed 07" in stderr
