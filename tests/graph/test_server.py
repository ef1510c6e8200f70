"""A Neo4j for tests and for trying out: it says what it lacks, and it goes when whoever began it goes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from graph.errors import GraphError
from graph.stores import server


def test_what_is_missing_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told = server.missing()
    assert told is not None and "javac and mvn not found" in told and "openjdk-17-jdk-headless maven" in told
    with pytest.raises(GraphError, match="javac and mvn"), server.serve():
        pass
    server.libraries().mkdir(parents=True)  # what is there need not be fetched
    told = server.missing()
    assert told is not None and "javac not found" in told and "maven" not in told


def test_libraries_are_there_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] no such artefact'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(server, "missing", lambda: None)
    with pytest.raises(GraphError, match="no such artefact"), server.serve():
        pass
    assert list((tmp_path / "cache/weft").iterdir()) == []


def test_what_went_wrong_is_said(neo4j_server: str) -> None:
    with pytest.raises(GraphError, match=r"did not start: .*[Hh]eap"), server.serve(heap="much"):
        pass


def test_it_ends_with_its_parent_and_leaves_nothing(neo4j_server: str, tmp_path: Path) -> None:
    code = """
        import time
        from graph.stores import server
        with server.serve(quick=True) as running:
            print(running.pid, flush=True)
            time.sleep(600)
    """
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert Path(f"/proc/{pid}").exists() or sys.platform != "linux"
        assert list(tmp_path.glob("weft-neo4j-*"))
        parent.send_signal(signal.SIGKILL)
    for _ in range(600):
        if not _alive(pid):
            break
        time.sleep(0.1)
    assert not _alive(pid)
    assert not [
        path for folder in tmp_path.glob("weft-neo4j-*") for path in folder.rglob("*") if path.stat().st_size > 1e6
    ]


def _alive(pid: int) -> bool:
    """Whether it runs, which a process that nobody has waited for yet does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/status")
        return "State:\tZ" not in status.read_text() if Path("/proc/self").exists() else True
    except (ProcessLookupError, FileNotFoundError):
        return False
