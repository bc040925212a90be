#!/usr/bin/env python3
"""System figures from real processes: one node, two phones (`sotto rpc`), loopback. Prints one figure a line.

Usage: system.py PATH/TO/sotto [SECONDS OF EACH IDLE STRETCH]

Times are seen from outside, by two pipes and a JSON parser, so they are a little more than the core's own.
"""
import json, os, pathlib, queue, statistics, subprocess, sys, tempfile, threading, time

SOTTO = sys.argv[1]
IDLE_S = int(sys.argv[2]) if len(sys.argv) > 2 else 60
# Filter nodes are pinged every 240 s, relay peers every 120 s.
HOUR_S = 240


def switches(pid):
    """Voluntary context switches of all threads since they began."""
    count = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        line = next(l for l in (task / "status").read_text().splitlines() if l.startswith("voluntary"))
        count += int(line.split()[1])
    return count


def cpu_s(pid):
    """Seconds of processor time of all threads since they began, in steps of a clock tick."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Phone:
    def __init__(self, folder, node, *more):
        self.process = subprocess.Popen(
            [SOTTO, "rpc", "--data", str(folder), "--node", node, *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.next, self.waiting, self.events = 0, {}, queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            self.waiting.pop(answer["id"]).put((time.monotonic(), answer))

    def start(self, method, **params):
        self.next += 1
        box = self.waiting[self.next] = queue.Queue()
        request = {"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return box

    def call(self, method, **params):
        _, answer = self.start(method, **params).get(timeout=60)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def until(self, wanted, within_s=30):
        """Reads events until one is wanted; the moment it came."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            box = self.start("next_events", max=64, wait_ms=1000)
            at, answer = box.get(timeout=60)
            for event in answer["result"]["events"]:
                if wanted(event):
                    return at
        raise TimeoutError("no such event")

    def status(self, field):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith(field)).split()[1])

    def switches(self):
        return switches(self.process.pid)

    def wire(self):
        figures = self.call("diagnostics")
        return figures["bytes_read"] + figures["bytes_written"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


def say(name, value):
    print(f"{name:58} {value}", flush=True)


def settled(phones, still_s=3.0):
    """Waits until no byte moved for a while."""
    last, since = None, time.monotonic()
    while time.monotonic() - since < still_s:
        now = [phone.wire() for phone in phones]
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.25)


def befriend(alice, bob):
    for phone, name in ((alice, "Alice"), (bob, "Bob")):
        phone.call("account_create", name=name)
        phone.call("settings", set={"receipt_delay_ms": 0})
    bob.until(lambda e: e["type"] == "connectivity" and e["subscribed"])
    link = bob.call("invite")["link"]
    time.sleep(1)
    alice.call("contact_add", link=link)
    while not (asked := bob.call("contacts")["contacts"]):
        time.sleep(0.1)
    bob.call("contact_answer", contact=asked[0]["id"], action="accept")
    while alice.call("contacts")["contacts"][0]["state"] != "accepted":
        time.sleep(0.1)
    return [p.call("conversations", limit=1)["conversations"][0]["id"] for p in (alice, bob)]


def texts(alice, bob, room, count=30):
    shown, delivered, wire = [], [], 0
    for i in range(count):
        settled((alice, bob), 0.5)
        before = alice.wire() + bob.wire()
        start = time.monotonic()
        sending = alice.start("send", conversation=room, text=f"text {i:4} " + "x" * 90)
        shown.append(bob.until(lambda e: e["type"] == "messages_changed") - start)
        message = sending.get(timeout=10)[1]["result"]["message"]
        at = alice.until(lambda e: e["type"] == "message_state" and e["id"] == message and e["state"] == "delivered")
        delivered.append(at - start)
        settled((alice, bob), 0.5)
        # One in sixteen envelopes is of the next class: not the cost of a text.
        spent = alice.wire() + bob.wire() - before
        wire = spent if i == 0 else min(wire, spent)
    say("text shown, p50", f"{statistics.median(shown) * 1000:.1f} ms")
    say("text shown, p95", f"{statistics.quantiles(shown, n=20)[-1] * 1000:.1f} ms")
    say("text delivered, p50, receipt delay 0", f"{statistics.median(delivered) * 1000:.1f} ms")
    say("both phones per delivered text, no up-sizing", f"{wire} B")


def still(phone, name, on):
    phone.call("set_foreground", on=on)
    settled((phone,), 5)
    wire, switches = phone.wire(), phone.switches()
    time.sleep(IDLE_S)
    switches = phone.switches() - switches
    wire = phone.wire() - wire
    say(f"{name}, one phone", f"{wire * 60 // IDLE_S} B/min")
    say(f"{name}, voluntary context switches", f"{switches * 60 // IDLE_S} /min")


def idle_node(folder):
    """A node without a peer: gossip's heartbeat and the node's own second, and no more."""
    node, _ = start_node(folder / "lonely")
    time.sleep(2)
    before = (switches(node.pid), cpu_s(node.pid))
    time.sleep(30)
    say("idle node without peers, context switches in 30 s", switches(node.pid) - before[0])
    say("idle node without peers, processor in 30 s", f"{(cpu_s(node.pid) - before[1]) * 1000:.0f} ms")
    node.stdin.close()
    node.wait(timeout=20)


def relay_beside_light(folder, address):
    """A phone in relay mode and a light one, on a shard where nothing is said."""
    light = Phone(folder / "light", address)
    relay = Phone(folder / "relay", address, "--mode", "relay")
    for phone in (light, relay):
        phone.call("account_create", name="Idle")
        while not phone.call("connectivity")["subscribed"]:
            time.sleep(0.1)
    while not relay.call("connectivity")["relay_peers"]:
        time.sleep(0.1)
    settled((light, relay), 5)
    phones = [("light mode", light), ("relay mode, one relay peer", relay)]
    figures = lambda phone: (phone.wire(), phone.switches(), cpu_s(phone.process.pid))
    before = [figures(phone) for _, phone in phones]
    time.sleep(HOUR_S)
    for (name, phone), then in zip(phones, before):
        wire, count, cpu = (now - was for now, was in zip(figures(phone), then))
        say(f"idle {name}", f"{wire * 3600 // HOUR_S} B/h, {count * 60 // HOUR_S} context switches/min, {cpu * 60000 / HOUR_S:.0f} ms/min of processor")
    say("threads of a phone's process in relay mode", relay.status("Threads"))
    light.close(), relay.close()


def start_node(folder):
    node = subprocess.Popen(
        [SOTTO, "node", "--data", str(folder), "--listen", "/ip4/127.0.0.1/tcp/0", "--alone", "--json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return node, json.loads(node.stdout.readline())["addrs"][0]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        idle_node(folder)
        node, address = start_node(folder / "node")
        relay_beside_light(folder, address)
        alice, bob = (Phone(folder / name, address) for name in ("alice", "bob"))
        rooms = befriend(alice, bob)
        for phone in (alice, bob):
            phone.call("set_foreground", on=True)
        settled((alice, bob))
        texts(alice, bob, rooms[0])
        say("threads of a phone's process", alice.status("Threads"))
        say("memory of a phone (VmRSS)", f"{alice.status('VmRSS') / 1024:.1f} MiB")
        say("memory of a phone (VmHWM)", f"{alice.status('VmHWM') / 1024:.1f} MiB")
        still(alice, "idle", False)
        still(alice, "foreground", True)
        alice.close(), bob.close()
        node.stdin.close()
        node.wait(timeout=20)


main()
