#!/usr/bin/env python3
"""System figures from real processes: one node, two phones (`sotto rpc`), loopback. Prints one figure a line.

Usage: system.py PATH/TO/sotto. A release build; takes three minutes.

Times are seen from outside, by two pipes and a JSON parser, so they are a little more than the core's own.
"""
import pathlib, statistics, sys, tempfile, time

from rig import Phone, cpu_s, fresh, optimised, say, settled, start_node, switches

SOTTO = sys.argv[1]
FOREGROUND_S = 60


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


def foreground(phone):
    phone.call("set_foreground", on=True)
    settled((phone,), 5)
    wire, switches = phone.wire(), phone.switches()
    time.sleep(FOREGROUND_S)
    switches = phone.switches() - switches
    wire = phone.wire() - wire
    say("foreground, one phone", f"{wire * 60 // FOREGROUND_S} B/min")
    say("foreground, voluntary context switches", f"{switches * 60 // FOREGROUND_S} /min")


def idle_node(sotto, folder):
    """A node without a peer: gossip's heartbeat and the node's own second, and no more."""
    node, _ = start_node(sotto, folder / "lonely")
    time.sleep(2)
    before = (switches(node.pid), cpu_s(node.pid))
    time.sleep(30)
    say("idle node without peers, context switches in 30 s", switches(node.pid) - before[0])
    say("idle node without peers, processor in 30 s", f"{(cpu_s(node.pid) - before[1]) * 1000:.0f} ms")
    node.stdin.close()
    node.wait(timeout=20)


def main():
    optimised(SOTTO)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        sotto = fresh(SOTTO, folder)
        idle_node(sotto, folder)
        node, address = start_node(sotto, folder / "node")
        alice, bob = (Phone(sotto, folder / name, address) for name in ("alice", "bob"))
        rooms = befriend(alice, bob)
        for phone in (alice, bob):
            phone.call("set_foreground", on=True)
        settled((alice, bob))
        texts(alice, bob, rooms[0])
        say("threads of a phone's process", alice.status("Threads"))
        say("memory of a phone (VmRSS)", f"{alice.status('VmRSS') * 1024 / 1e6:.1f} MB")
        say("memory of a phone (VmHWM)", f"{alice.status('VmHWM') * 1024 / 1e6:.1f} MB")
        foreground(alice)
        alice.close(), bob.close()
        node.stdin.close()
        node.wait(timeout=20)


if __name__ == "__main__":
    main()
