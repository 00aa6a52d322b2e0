"""Finds and runs the firesteel program."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any, BinaryIO, Callable, Dict, List, Mapping, Optional, Sequence, Union

from ._errors import FiresteelError, UsageError

# Output of the program is shown from this time on, in seconds: shorter calls print
# nothing.
QUIET = 10.0


def program() -> str:
    """Returns the path of the program: FIRESTEEL, that of the wheel, or that of PATH."""
    name = "firesteel.exe" if os.name == "nt" else "firesteel"
    bundled = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", name)
    if os.environ.get("FIRESTEEL"):
        return os.environ["FIRESTEEL"]
    if os.path.exists(bundled):
        return bundled
    # The command of this package calls this function, so that it is not meant.
    scripts = os.path.dirname(os.path.abspath(sys.executable))
    others = [p for p in os.environ.get("PATH", "").split(os.pathsep) if p and os.path.abspath(p) != scripts]
    found = shutil.which(name, path=os.pathsep.join(others))
    if found is None:
        raise FiresteelError(
            "the firesteel program is missing: this installation was not made from a wheel for "
            "this system. Install such a wheel, or name the program by the variable FIRESTEEL"
        )
    return found


def main() -> None:
    """The command firesteel."""
    try:
        path = program()
    except FiresteelError as e:
        sys.exit(f"firesteel: {e}")
    if os.name == "nt":
        sys.exit(subprocess.call([path, *sys.argv[1:]]))
    os.execv(path, [path, *sys.argv[1:]])


def flags(model: Optional[str], models: Optional[Mapping[str, str]], options: Mapping[str, Any]) -> List[str]:
    """Writes arguments as flags: a list repeats the flag, and None leaves it out."""
    args: List[str] = []
    if model is not None:
        args.append(f"--model={os.fspath(model)}")
    for name, reference in (models or {}).items():
        args.append(f"--model={name}={os.fspath(reference)}")
    for name, value in options.items():
        flag = "--" + name.rstrip("_").replace("_", "-")
        values: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value]
        for v in values:
            if v is None:
                continue
            text = str(v).lower() if isinstance(v, bool) else os.fspath(v) if hasattr(v, "__fspath__") else str(v)
            args.append(f"{flag}={text}")
    return args


class Messages(threading.Thread):
    """Keeps what the program writes on standard error, and shows it if the call
    takes long."""

    def __init__(self, stream: BinaryIO):
        super().__init__(daemon=True)
        self.stream, self.lines = stream, []  # type: BinaryIO, List[str]
        self.begin = time.monotonic()
        self.start()

    def run(self) -> None:
        with self.stream:
            for raw in self.stream:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                self.lines.append(line)
                if time.monotonic() - self.begin > QUIET:
                    print(line, file=sys.stderr)

    def error(self) -> str:
        """Returns the error of the program, without what it wrote before."""
        prefix = "firesteel: "
        for i in range(len(self.lines) - 1, -1, -1):
            if self.lines[i].startswith(prefix):
                first = self.lines[i][len(prefix) :]
                if first.startswith("usage: "):  # the class of the error says it
                    first = first[len("usage: ") :]
                return "\n".join([first, *self.lines[i + 1 :]]).strip()
        return "\n".join(self.lines[-20:]).strip()


def call(
    args: Sequence[str],
    send: Optional[Callable[[BinaryIO], None]] = None,
    receive: Optional[Callable[[BinaryIO], Any]] = None,
    env: Optional[Mapping[str, str]] = None,
    accepted: Sequence[int] = (0,),
) -> "Result":
    """Runs the program. ``send`` writes its standard input, and ``receive`` reads its
    standard output; their errors count only if the program succeeds."""
    try:
        process = subprocess.Popen(
            [program(), *args],
            stdin=subprocess.PIPE if send else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
        )
    except OSError as e:
        raise FiresteelError(f"the firesteel program cannot be started: {e}") from e
    assert process.stdout is not None and process.stderr is not None
    messages = Messages(process.stderr)
    failures: Dict[str, BaseException] = {}

    def write() -> None:
        try:
            with process.stdin as pipe:  # type: ignore[union-attr]
                send(pipe)  # type: ignore[misc, arg-type]
        except BaseException as e:  # the program has ended, or the frame is wrong
            failures["send"] = e

    writer = threading.Thread(target=write, daemon=True) if send else None
    value = None
    try:
        if writer:
            writer.start()
        with process.stdout as pipe:
            try:
                value = receive(pipe) if receive else pipe.read()
            except Exception as e:
                failures["receive"] = e
            while pipe.read(1 << 16):
                pass
        if writer:
            writer.join()
        code = process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    messages.join()
    sent = failures.get("send")
    if sent is not None and not isinstance(sent, OSError):
        raise sent
    if code not in accepted:
        message = messages.error() or f"the firesteel program ended with the exit code {code}"
        raise (UsageError if code == 2 else FiresteelError)(message, code)
    for e in failures.values():
        raise e
    return Result(code, value, messages)


class Result:
    def __init__(self, code: int, value: Any, messages: Messages):
        self.code, self.value, self.messages = code, value, messages


Text = Union[str, "os.PathLike[str]"]
