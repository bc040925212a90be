#!/usr/bin/env python3
"""The traffic of idle phones in an hour: one in light mode and one in relay mode, on a shard without traffic.

Usage: idle.py PATH/TO/sotto [SECONDS]. A release build; SECONDS of watching, 750 unless told, 500 at least.

Each phone reaches the node through a pipe of ours that notes how many bytes pass and when: TCP payload, both ways. The watch
begins when the account's card is published and its store checked, and the connections that took are closed. An idle phone
speaks in short bursts minutes apart, so a window that begins anywhere is wrong by a burst: bytes are counted from after
the first burst to the end of the last one, and divided by the time between the two. Load makes no difference to that.
"""
import pathlib, socket, sys, tempfile, threading, time

from rig import Phone, cpu_s, optimised, say, start_node

SOTTO = sys.argv[1]
WATCH_S = int(sys.argv[2]) if len(sys.argv) > 2 else 750
# Until what the start needed is closed: connections unused for 60 s, looked for when something else is due.
CLOSED_S = 75
# Bytes with a longer silence between them are two bursts. Light phones ping every 240 s, relays every 120 s.
SILENCE_S = 20


class Pipe:
    """Stands before a node and notes what passes, one `(time, bytes)` for each read."""

    def __init__(self, address):
        self.noted = []
        parts = address.split("/")
        self.port = int(parts[4])
        self.listener = socket.create_server(("127.0.0.1", 0))
        parts[4] = str(self.listener.getsockname()[1])
        self.address = "/".join(parts)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            phone, _ = self.listener.accept()
            node = socket.create_connection(("127.0.0.1", self.port))
            for ends in ((phone, node), (node, phone)):
                ends[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.carry, args=ends, daemon=True).start()

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                self.noted.append((time.monotonic(), len(data)))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one side is gone, and the phone sees that itself

    def bursts(self, since):
        """`[end, bytes]` of each burst from then on."""
        found = []
        for at, count in list(self.noted):
            if at < since:
                continue
            if found and at - found[-1][0] < SILENCE_S:
                found[-1] = [at, found[-1][1] + count]
            else:
                found.append([at, count])
        return found


def ready(phone, relay):
    phone.call("account_create", name="Idle")
    while not phone.call("connectivity")["subscribed"]:
        time.sleep(0.1)
    while relay and not phone.call("connectivity")["relay_peers"]:
        time.sleep(0.1)
    while int(phone.call("diagnostics")["outbox"]):
        time.sleep(1)  # the card, until a store was asked whether it is there


def tell(name, phone, bursts, then):
    count, cpu = (now - was for now, was in zip((phone.switches(), cpu_s(phone.process.pid)), then))
    seconds = bursts[-1][0] - bursts[0][0] if bursts else 0
    if not seconds:
        raise SystemExit(f"{name}: {len(bursts)} bursts in {WATCH_S} s, which is no rate")
    wire = sum(size for _, size in bursts[1:])
    say(f"idle {name}", f"{wire * 3600 / seconds:.0f} B/h ({wire} B in {seconds:.0f} s, {len(bursts) - 1} bursts)")
    say(f"idle {name}, the process", f"{count * 60 / WATCH_S:.0f} context switches/min, {cpu * 60000 / WATCH_S:.1f} ms/min")


def main():
    optimised(SOTTO)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        node, address = start_node(SOTTO, folder / "node")
        pipes = [Pipe(address), Pipe(address)]
        names = ["light mode", "relay mode, one relay peer"]
        phones = [Phone(SOTTO, folder / str(i), pipe.address, "--mode", mode)
                  for i, (pipe, mode) in enumerate(zip(pipes, ("light", "relay")))]
        for phone, relay in zip(phones, (False, True)):
            ready(phone, relay)
        time.sleep(CLOSED_S)
        since = time.monotonic()
        before = [(phone.switches(), cpu_s(phone.process.pid)) for phone in phones]
        time.sleep(WATCH_S)
        for name, phone, pipe, then in zip(names, phones, pipes, before):
            tell(name, phone, pipe.bursts(since), then)
        say("threads of a phone's process in relay mode", phones[1].status("Threads"))
        for phone in phones:
            phone.close()
        node.stdin.close()
        node.wait(timeout=20)


main()
