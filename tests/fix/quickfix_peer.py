"""A QuickFIX initiator as a process of its own: orders from stdin as JSON lines, events to stdout.

QuickFIX is a stranger's engine (C++): it keeps its own sequence numbers, validates every message of
ours against the published dictionary, and asks for what it missed. It runs apart from the tests
because it holds threads of its own and ends badly with the interpreter.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import quickfix as fix

OUT = threading.Lock()


def say(**what: Any) -> None:
    """One line to whoever started this."""
    with OUT:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def plain(message: Any) -> list[list[str]]:
    """Every tag and value of a message, in order."""
    pairs = str(message).split("\x01")
    return [pair.split("=", 1) for pair in pairs if pair]


class Peer(fix.Application):  # type: ignore[misc]
    """Tells everything that happens."""

    def onCreate(self, session: Any) -> None:
        """Nothing to tell."""

    def onLogon(self, session: Any) -> None:
        """The session is up."""
        say(event="logon")

    def onLogout(self, session: Any) -> None:
        """The session is down, or could not be opened."""
        say(event="logout")

    def toAdmin(self, message: Any, session: Any) -> None:
        """Put in what the dictionary has and the engine does not know of."""
        kind = fix.MsgType()
        message.getHeader().getField(kind)
        if kind.getValue() == "A":
            for tag, value in EXTRA.items():
                message.setField(int(tag), value)

    def fromAdmin(self, message: Any, session: Any) -> None:
        """A session message came."""
        say(event="admin", fields=plain(message))

    def toApp(self, message: Any, session: Any) -> None:
        """An order leaves."""

    def fromApp(self, message: Any, session: Any) -> None:
        """A validated application message came."""
        say(event="app", fields=plain(message))


def build(begin: str, pairs: list[list[str]]) -> Any:
    """A message from its tags, MsgType first."""
    message = fix.Message()
    message.getHeader().setField(8, begin)
    for tag, value in pairs:
        if tag == "35":
            message.getHeader().setField(35, value)
        else:
            message.setField(int(tag), value)
    return message


def config(folder: Path, asked: dict[str, Any]) -> Path:
    """The initiator's settings file."""
    lines = [
        "[DEFAULT]", "ConnectionType=initiator", "ReconnectInterval=1",
        f"FileStorePath={folder / 'store'}", f"FileLogPath={folder / 'log'}",
        "StartTime=00:00:00", "EndTime=00:00:00", "UseDataDictionary=Y", "ValidateFieldsOutOfOrder=Y",
        "ValidateFieldsHaveValues=Y", "ValidateUserDefinedFields=Y", "LogonTimeout=5",
        "SocketNodelay=Y",
        "[SESSION]", f"BeginString={asked['begin']}", f"SenderCompID={asked['sender']}",
        "TargetCompID=KITAHAMA", f"HeartBtInt={asked.get('heartbeat', 30)}",
        "SocketConnectHost=127.0.0.1", f"SocketConnectPort={asked['port']}",
        f"DataDictionary={asked['dictionary']}",
        f"ResetOnLogon={asked.get('reset', 'N')}",
    ]  # fmt: skip
    path = folder / "session.cfg"
    path.write_text("\n".join(lines) + "\n")
    return path


EXTRA: dict[str, str] = {}


def main() -> None:
    """Read the first line as the session, then commands until the input ends."""
    asked = json.loads(sys.stdin.readline())
    EXTRA.update(asked.get("logon", {}))
    folder = Path(asked["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    settings = fix.SessionSettings(str(config(folder, asked)))
    peer = Peer()
    store = fix.FileStoreFactory(settings)
    initiator = fix.SocketInitiator(peer, store, settings, fix.FileLogFactory(settings))
    initiator.start()
    session_id = fix.SessionID(asked["begin"], asked["sender"], "KITAHAMA")
    for line in sys.stdin:
        command = json.loads(line)
        if "send" in command:
            message = build(asked["begin"], command["send"])
            for counter, first, values in command.get("groups", []):
                for value in values:
                    entry = fix.Group(int(counter), int(first))
                    entry.setField(int(first), value)
                    message.addGroup(entry)
            fix.Session.sendToTarget(message, session_id)
        elif "many" in command:
            for number in range(command["many"]):
                pairs = [[tag, value.format(n=number)] for tag, value in command["like"]]
                fix.Session.sendToTarget(build(asked["begin"], pairs), session_id)
        elif command.get("do") == "logout":
            fix.Session.lookupSession(session_id).logout()
        elif command.get("do") == "die":
            os._exit(9)
        elif command.get("do") == "stop":
            break
    initiator.stop(False)
    say(event="stopped")
    os._exit(0)


if __name__ == "__main__":
    main()
