#!/usr/bin/env python3
"""Light clients of three implementations through the same node of ours: from sending to receiving. One figure a line.

Usage: peers.py PATH/TO/sotto PATH/TO/light PATH/TO/sotto-go-peer [MESSAGES]

For each implementation two clients, processes of their own, are on one node that is alone in its network; one sends, the
other has the topic subscribed. A time is from the line that asks to send to the line that shows the message: the same pipes
and JSON for all, and a whole round trip through the node. Messages follow each other singly, 100 ms apart, since go-waku's
client takes no more than 15 pushes a second. The first is not counted.
"""
import json, os, pathlib, queue, statistics, subprocess, sys, tempfile, threading, time

from rig import optimised

SOTTO, LIGHT, GO = sys.argv[1:4]
MESSAGES = int(sys.argv[4]) if len(sys.argv) > 4 else 200
JS = pathlib.Path(__file__).resolve().parent.parent / "interop" / "js"
TOPIC, PUBSUB = "/bench/1/light/proto", "/waku/2/rs/66/0"
SIZE = 512


class Peer:
    def __init__(self, command, folder=None):
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first = json.loads(self.process.stdout.readline())
        self.next, self.waiting, self.messages = 0, {}, queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            at, said = time.monotonic(), json.loads(line)
            if said.get("event") == "message":
                self.messages.put((at, said["payload"]))
            elif "id" in said:
                self.waiting.pop(said["id"]).put(said)

    def start(self, method, **params):
        self.next += 1
        box = self.waiting[self.next] = queue.Queue()
        self.process.stdin.write(json.dumps({"id": self.next, "method": method, **params}) + "\n")
        self.process.stdin.flush()
        return box

    def call(self, method, **params):
        said = self.start(method, **params).get(timeout=60)
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']}")
        return said.get("result")

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


class Sotto(Peer):
    def __init__(self, tcp, ws):
        super().__init__([LIGHT])
        self.call("connect", addr=tcp)

    def subscribe(self):
        self.call("subscribe", topics=[TOPIC])

    def push(self, payload):
        return self.start("send", topic=TOPIC, payload=payload)


class Js(Peer):
    def __init__(self, tcp, ws):
        super().__init__(["node", "--import", "./polyfill.mjs", "light.mjs", "66", "0"], JS)
        self.call("dial", addr=ws)
        self.call("ready")

    def subscribe(self):
        if self.call("subscribe", topics=[TOPIC]) is not True:
            raise RuntimeError("not subscribed")

    def push(self, payload):
        return self.start("send", topic=TOPIC, payload=payload)


class Go(Peer):
    def __init__(self, tcp, ws):
        super().__init__([GO, "-mode", "light", "-cluster", "66", "-shards", "0"])
        self.call("connect", addr=tcp)
        self.node = tcp.rsplit("/", 1)[1]
        time.sleep(1)  # until identify has told it what the node serves

    def subscribe(self):
        self.call("filter_subscribe", peer=self.node, pubsub=PUBSUB, topics=[TOPIC])

    def push(self, payload):
        return self.start("lightpush", peer=self.node, pubsub=PUBSUB, topic=TOPIC, payload=payload)


def measure(kind, tcp, ws):
    sender, receiver = kind(tcp, ws), kind(tcp, ws)
    receiver.subscribe()
    times = []
    for _ in range(MESSAGES + 1):
        payload = os.urandom(SIZE).hex()
        start = time.monotonic()
        box = sender.push(payload)
        at, got = receiver.messages.get(timeout=60)
        if got != payload:
            raise RuntimeError("another message than was sent")
        times.append((at - start) * 1000)
        box.get(timeout=60)
        time.sleep(0.1)
    sender.close(), receiver.close()
    return times[1:]


def main():
    optimised(SOTTO)
    with tempfile.TemporaryDirectory() as folder:
        listen = [part for where in ("/tcp/0", "/tcp/0/ws") for part in ("--listen", "/ip4/127.0.0.1" + where)]
        node = Peer([SOTTO, "node", "--data", folder, *listen, "--alone", "--json"])
        tcp, ws = node.first["addrs"]
        for name, kind in (("Sotto", Sotto), ("js-waku", Js), ("go-waku", Go)):
            times = measure(kind, tcp, ws)
            middle, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
            print(f"{'light send to receive, ' + name + ', p50 and p95':58} {middle:.1f} ms, {high:.1f} ms", flush=True)
        node.close()


main()
