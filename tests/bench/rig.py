"""The rig of the figures: phones and nodes as separate processes, on loopback."""
import json, os, pathlib, queue, shutil, subprocess, threading, time


def optimised(sotto):
    """Ends the run for a debug build: its figures mean nothing."""
    version = subprocess.run([sotto, "--version"], capture_output=True, text=True, check=True).stdout
    if "debug" in version:
        raise SystemExit(f"{sotto} is a debug build: cargo build --release -p sotto-cli")


def fresh(sotto, folder):
    """A copy of the program that is not in the page cache: how much of a file counts as a process's memory depends on how
    much of it others have read."""
    copy = shutil.copy(sotto, folder / "sotto")
    with open(copy, "rb+") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return copy


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
    def __init__(self, sotto, folder, node, *more):
        self.process = subprocess.Popen(
            [sotto, "rpc", "--data", str(folder), "--node", node, *more],
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


def start_node(sotto, folder):
    node = subprocess.Popen(
        [sotto, "node", "--data", str(folder), "--listen", "/ip4/127.0.0.1/tcp/0", "--alone", "--json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return node, json.loads(node.stdout.readline())["addrs"][0]
