#!/usr/bin/env python3
"""Figures of files from real processes: one node, two phones (`sotto rpc`), loopback. Prints one figure a line.

Usage: files.py PATH/TO/sotto. A release build; takes some minutes. Fails if a file that arrives is another one.
"""
import hashlib, os, pathlib, statistics, sys, tempfile, time

from rig import Phone, cpu_s, fresh, optimised, say, settled, start_node
from system import befriend

SOTTO = sys.argv[1]
MB = 1024 * 1024


def make(folder, size):
    path = folder / f"{size}.bin"
    path.write_bytes(os.urandom(size))
    return path


def only(phone, message):
    return phone.call("message", message=message)["files"][0]


def until(phone, message, state, within_s=900):
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            if only(phone, message)["state"] == state:
                return
        except RuntimeError:
            pass  # not here yet
        time.sleep(0.05)
    raise TimeoutError(f"no file is {state}")


def texts(alice, bob, room, message):
    """Seconds until the other side shows a text, while a file is sent."""
    shown = []
    for i in range(11):
        if only(alice, message)["state"] != "going":
            break
        start = time.monotonic()
        alice.start("send", conversation=room, text=f"meanwhile {i}")
        shown.append(bob.until(lambda e: e["type"] == "messages_changed") - start)
    return shown


def transfer(alice, bob, rooms, path, meanwhile=False):
    """Sends a file and fetches it; seconds and bytes of both."""
    size = path.stat().st_size
    settled((alice, bob), 0.5)
    wires, cpus, start = (alice.wire(), bob.wire()), [cpu_s(p.process.pid) for p in (alice, bob)], time.monotonic()
    message = alice.call("send", conversation=rooms[0], text="", files=[{"path": str(path), "kind": "file"}])["message"]
    prepared = time.monotonic() - start
    shown = texts(alice, bob, rooms[0], message) if meanwhile else []
    until(alice, message, "here")
    up, sent = time.monotonic() - start - prepared, alice.wire() - wires[0]
    until(bob, message, "remote")
    start = time.monotonic()
    file = only(bob, message)["id"]
    bob.call("file_fetch", file=file)
    until(bob, message, "here")
    down, fetched = time.monotonic() - start, bob.wire() - wires[1]
    out = path.with_suffix(".out")
    bob.call("file_export", file=file, path=str(out))
    digest = lambda of: hashlib.sha256(of.read_bytes()).digest()
    assert digest(out) == digest(path), "another file"
    out.unlink()
    spent = [cpu_s(p.process.pid) - before for p, before in zip((alice, bob), cpus)]
    return size, prepared, up, down, sent, fetched, spent, shown


def main():
    optimised(SOTTO)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        sotto = fresh(SOTTO, folder)
        node, address = start_node(sotto, folder / "node")
        alice, bob = (Phone(sotto, folder / name, address) for name in ("alice", "bob"))
        rooms = befriend(alice, bob)
        for phone in (alice, bob):
            phone.call("set_foreground", on=True)
        settled((alice, bob))
        idle = [phone.status("VmHWM") for phone in (alice, bob)]
        size, _, _, _, sent, fetched, _, _ = transfer(alice, bob, rooms, make(folder, 5 * MB))
        say("file of 5 MB, bytes sent for each byte", f"{sent / size:.3f}")
        say("file of 5 MB, bytes fetched for each byte", f"{fetched / size:.3f}")
        size, prepared, up, down, _, _, spent, shown = transfer(alice, bob, rooms, make(folder, 50 * MB), True)
        say("file of 50 MB, copied, cut and sealed", f"{size / MB / prepared:.1f} MB/s")
        say("file of 50 MB, sent", f"{size / MB / up:.1f} MB/s")
        say("file of 50 MB, fetched and checked", f"{size / MB / down:.1f} MB/s")
        say("processor for each MB, sender", f"{spent[0] / size * MB * 1000:.0f} ms")
        say("processor for each MB, receiver", f"{spent[1] / size * MB * 1000:.0f} ms")
        say(f"text shown while 50 MB are sent, p50 of {len(shown)}", f"{statistics.median(shown) * 1000:.1f} ms")
        transfer(alice, bob, rooms, make(folder, 100 * MB))
        for name, phone, before in zip(("sender", "receiver"), (alice, bob), idle):
            more = (phone.status("VmHWM") - before) * 1024 / 1e6
            say(f"memory above idle at 100 MB, {name} (VmHWM)", f"{more:.1f} MB")
        alice.close(), bob.close()
        node.stdin.close()
        node.wait(timeout=20)


main()
