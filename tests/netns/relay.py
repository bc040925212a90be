#!/usr/bin/env python3
"""Three network namespaces and a bad line between two of them.

    alice 10.91.1.2 --tun-- this process --tun-- 10.91.1.1 city 10.91.2.1 --veth-- 10.91.2.2 bob

It needs CAP_SYS_ADMIN and CAP_NET_ADMIN over its namespace (root, or `unshare -Ur`) and /dev/net/tun. The first line on
standard output names the namespaces, or says what is missing:
    {"alice": "/proc/…", "bob": "/proc/…", "city": "/proc/…"}
Then each line on standard input changes the line in both directions; what is not named is as a good line has it:
    {"rate_kbit": 256, "loss": 0.2, "delay_ms": 300, "reorder": 0.1, "blackhole": false, "seed": 1}
and is answered by what it has carried so far, IP packets and bytes as they came from the ends, lost ones included:
    {"packets": 0, "bytes": 0, "lost": 0}
The namespaces are gone with this process and those in them; it stops at the end of its input.
"""
import ctypes, fcntl, heapq, json, os, random, select, struct, subprocess, sys, time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
MTU = 1400
# A router's buffer: what would wait longer than this for the line is dropped.
LONGEST_QUEUE_S = 2.0

libc = ctypes.CDLL(None, use_errno=True)


def namespace():
    """Moves into a network namespace of its own; its file descriptor, which keeps it."""
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network namespace")
    ip("link", "set", "lo", "up")
    return os.open("/proc/self/ns/net", os.O_RDONLY)


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter a namespace")


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


def address(device, cidr):
    ip("address", "add", cidr, "dev", device)
    ip("link", "set", device, "up")


def tun(cidr):
    """A tun device in the present namespace."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN_NO_PI))
    ip("link", "set", "tun0", "mtu", str(MTU))
    address("tun0", cidr)
    return fd


class Line:
    """Both directions; times of time.monotonic()."""

    def __init__(self):
        self.change({})
        self.free = {}  # when the direction has sent all that waits
        self.flying = []  # (due, number, to, packet)
        self.number = 0
        self.carried = {"packets": 0, "bytes": 0, "lost": 0}

    def change(self, to):
        self.rate = to.get("rate_kbit", 0) * 1000 / 8
        self.loss = to.get("loss", 0)
        self.delay = to.get("delay_ms", 0) / 1000
        self.reorder = to.get("reorder", 0)
        self.blackhole = to.get("blackhole", False)
        self.random = random.Random(to.get("seed", 1))

    def take(self, now, to, packet):
        self.carried["packets"] += 1
        self.carried["bytes"] += len(packet)
        starts = max(now, self.free.get(to, now))
        if self.blackhole or self.random.random() < self.loss or starts - now > LONGEST_QUEUE_S:
            self.carried["lost"] += 1
            return
        sent = starts + (len(packet) / self.rate if self.rate else 0)
        self.free[to] = sent
        # A packet that overtakes takes a quarter of the time.
        delay = self.delay / 4 if self.random.random() < self.reorder else self.delay
        self.number += 1
        heapq.heappush(self.flying, (sent + delay, self.number, to, packet))

    def due(self, now):
        while self.flying and self.flying[0][0] <= now:
            _, _, to, packet = heapq.heappop(self.flying)
            yield to, packet


def build():
    alice = namespace()
    near = tun("10.91.1.2/24")
    bob = namespace()
    city = namespace()
    far = tun("10.91.1.1/24")
    names = {name: f"/proc/{os.getpid()}/fd/{fd}" for name, fd in
             {"alice": alice, "bob": bob, "city": city}.items()}
    ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
    address("veth0", "10.91.2.1/24")
    # `ip` knows namespaces by process, too: one that is there only for that.
    holder = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: enter(bob))
    ip("link", "set", "veth1", "netns", str(holder.pid))
    holder.kill()
    holder.wait()
    enter(bob)
    address("veth1", "10.91.2.2/24")
    return names, near, far


def run(near, far):
    line, other = Line(), {near: far, far: near}
    poll = select.poll()
    for fd in (near, far, 0):
        poll.register(fd, select.POLLIN)
    typed = b""
    while True:
        now = time.monotonic()
        for to, packet in line.due(now):
            try:
                os.write(to, packet)
            except BlockingIOError:
                line.carried["lost"] += 1
        wait = max(0, line.flying[0][0] - now) * 1000 if line.flying else None
        for fd, _ in poll.poll(wait):
            if fd == 0:
                more = os.read(0, 65536)
                if not more:
                    return
                *whole, typed = (typed + more).split(b"\n")
                for one in whole:
                    line.change(json.loads(one))
                    print(json.dumps(line.carried), flush=True)
                continue
            try:
                while True:
                    line.take(time.monotonic(), other[fd], os.read(fd, 65536))
            except BlockingIOError:
                pass


try:
    names, near, far = build()
except (OSError, subprocess.CalledProcessError) as error:
    sys.exit(f"no network namespaces with tun devices here: {error}")
print(json.dumps(names), flush=True)
run(near, far)
