"""A Neo4j to try things on, without Docker: a Java program that lives as long as whoever began it.

Its 264 libraries (150 MB) come from Maven Central on the first use and are kept outside the tree. The data are gone
when it ends; for data to keep, run a Neo4j of your own.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graph.errors import GraphError

VERSION = "5.26.0"
PROGRAM = Path(__file__).with_name("Neo4jServer.java")
PATIENCE = 120
"""Seconds for a start, which takes about six on an idle machine."""
POM = f"""
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>weft</groupId><artifactId>neo4j</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.neo4j.test</groupId><artifactId>neo4j-harness</artifactId>
      <version>{VERSION}</version><scope>test</scope></dependency>
    <dependency><groupId>org.neo4j.app</groupId><artifactId>neo4j-server</artifactId>
      <version>{VERSION}</version><scope>test</scope></dependency>
  </dependencies>
</project>
"""


@dataclass(frozen=True)
class Server:
    """A Neo4j that runs: `graph.open(server.uri)`."""

    uri: str
    pid: int


def libraries() -> Path:
    """Where the libraries are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weft" / f"neo4j-{VERSION}"


def missing() -> str | None:
    """What keeps this machine from serving, with its remedy; None if nothing does."""
    # A program that is one source file needs the compiler, which a JRE lacks.
    wanted = {"javac": "openjdk-17-jdk-headless", "mvn": "maven"}
    if libraries().is_dir():
        del wanted["mvn"]
    absent = [program for program in wanted if shutil.which(program) is None]
    if not absent:
        return None
    packages = " ".join(wanted[program] for program in absent)
    return f"{' and '.join(absent)} not found: apt-get install {packages}, or use a Neo4j that runs already"


@contextlib.contextmanager
def serve(
    port: int = 0, password: str | None = None, *, heap: str = "1g", pages: str = "512m", quick: bool = False
) -> Iterator[Server]:
    """An empty Neo4j on this machine only, at `port` (0: any that is free), for the length of a `with`.

    Without a `password` anybody on this machine may use it; with one (8 characters or more) the user is `neo4j`.
    `heap` and `pages` bound its memory. A `quick` one starts in half the time and is slow at much work.
    Raises GraphError if something is missing, the libraries cannot be had, or it does not start.
    """
    reason = missing()
    if reason:
        raise GraphError(reason)
    _fetch()
    with tempfile.TemporaryDirectory(prefix="weft-neo4j-") as folder:
        log = Path(folder) / "errors.txt"
        command = [
            "java", f"-Xmx{heap}", "-XX:+UseParallelGC", *(["-XX:TieredStopAtLevel=1"] if quick else []),
            f"-Djava.io.tmpdir={folder}", "-cp", str(libraries() / "*"), str(PROGRAM), folder, str(port), pages,
        ]  # fmt: skip
        environment = os.environ | ({"WEFT_SERVE_PASSWORD": password} if password else {})
        with log.open("w") as errors:
            process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
                start_new_session=True,  # Ctrl-C is for us alone: it ends by its standard input
            )  # fmt: skip
        try:
            yield Server(_address(process, log), process.pid)
        finally:
            _end(process)


def _address(process: "subprocess.Popen[str]", log: Path) -> str:
    """What it prints when it is ready."""
    assert process.stdout is not None
    alarm = threading.Timer(PATIENCE, process.kill)
    alarm.start()
    try:
        for line in process.stdout:
            if line.startswith("bolt://"):
                return line.strip()
    finally:
        alarm.cancel()
    told = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    causes = [line for line in told if line.startswith("Caused by")]
    reason = causes[-1] if causes else told[0] if told else "it said nothing"
    raise GraphError(f"Neo4j did not start: {reason.strip()}")


def _end(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def _fetch() -> None:
    """Have the libraries, all of them or none: they are loaded aside and renamed into place."""
    place = libraries()
    if place.is_dir():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".neo4j-", dir=place.parent) as aside:
        (Path(aside) / "pom.xml").write_text(POM)
        command = [
            "mvn", "--batch-mode", "--quiet", "--strict-checksums", "-f", f"{aside}/pom.xml",
            "dependency:copy-dependencies", "-DincludeScope=test", f"-DoutputDirectory={aside}/jars",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            told = (done.stdout + done.stderr).strip() or "it said nothing"
            raise GraphError(f"Maven could not load Neo4j {VERSION}: {told.splitlines()[0]}")
        with contextlib.suppress(OSError):  # another process was quicker
            (Path(aside) / "jars").rename(place)
