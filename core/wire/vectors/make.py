#!/usr/bin/env python3
"""A second implementation of this folder's formats, written from docs/protocol.md alone.

It made the vectors; they are frozen. Run it to see that it still makes the same ones: it prints what differs.
"""
import base64, hashlib, json, os, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "../../crypto/vectors"))
from check import ad0, derive, key_nonce, seal  # the ciphers of the other second implementation


def seq(first, count):
    return bytes((first + i) % 256 for i in range(count))


def u(value, size):
    return value.to_bytes(size, "big")


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def num(field, n):
    return varint(field << 3) + varint(n) if n else b""


def raw(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data if data else b""


def zigzag(n):
    return n * 2


# envelope
def pad(plain, room):
    return plain + b"\x80" + bytes(room - len(plain))


def envelope():
    cases = []
    for size in (512, 2048, 8192, 65536):
        body = bytes(i % 251 for i in range(size - 33))
        payload = b"\x01" + seq(0x10, 16) + seq(0x80, 16) + body
        cases.append({"size": size, "tag": seq(0x10, 16).hex(), "random": seq(0x80, 16).hex(),
                      "body": "byte i is i mod 251", "sha256": sha(payload).hex()})
    pads = [{"plain": p.hex(), "room": r, "padded": pad(p, r).hex()}
            for p, r in [(b"", 0), (b"", 7), (b"hello", 5), (b"hello", 9), (b"\x80\x00\x00", 8)]]
    return {"rooms": {"text": 356, "medium": 1892, "handshake": 509, "card": 1998, "large_chunk": 8142, "huge_chunk": 65486},
            "envelopes": cases, "pads": pads}


# topic
def topic():
    cases = []
    for lane, n, value in [("h", 0, "ffffffffffffffff"), ("h", 8, "a35c000000000000"), ("c", 12, "a35c000000000001"),
                           ("g", 16, "a35cffffffffffff"), ("p", 1, "7fffffffffffffff"), ("p", 1, "8000000000000000")]:
        bucket = int(value, 16) >> (64 - n)
        cases.append({"lane": lane, "log2_n": n, "value": value, "topic": f"/sotto/1/{lane}{n:02}-{bucket:04x}/proto"})
    return {"buckets": cases, "blobs": [{"id": "00000000000000ff", "topic": "/sotto/1/b-00000000000000ff/proto"},
                                        {"id": "fedcba9876543210", "topic": "/sotto/1/b-fedcba9876543210/proto"}],
            "refused": ["", "/sotto/1/h8-00a3/proto", "/sotto/1/h08-00A3/proto", "/sotto/1/h08-0100/proto", "/sotto/1/h17-0000/proto",
                        "/sotto/2/h08-00a3/proto", "/sotto/1/x08-00a3/proto", "/sotto/1/h08-00a3/rfc26", "/sotto/1/b-00ff/proto",
                        "/sotto/1/b08-00ff/proto", "/sotto/1/h08-00a3/proto/", "/sotto/1/h+8-00a3/proto", "/sotto/1/h08-0a3/proto"]}


# identity
CHAT = b"\x02" + seq(1, 32)
NOW = 1_800_000_000
SECRET = seq(0xA0, 16)
HASH = sha(b"sotto/secret-hash/1", SECRET)


def record(i):
    return (u(NOW, 8) + u(NOW + 259200, 8) + seq(0x10 * i, 16) + seq(0x20 + i, 32) + seq(0x60 + i, 32) + u(1, 4) + bytes(21) + seq(i, 64))


def pointer(size, chunks, first=0x40):
    return seq(first, 32) + u(size, 8) + u(chunks, 4) + seq(0xC0, 32)


def identity():
    lists = []
    for count in (1, 5):
        body = CHAT + u(NOW, 8) + u(NOW + 259200, 8) + u(count, 1) + b"".join(record(i) for i in range(count))
        lists.append({"count": count, "bytes": (body + seq(7, 64)).hex(), "signed": (b"\x01" + CHAT + body + HASH).hex()})
    device = seq(0, 16)
    body = u(NOW, 8) + u(NOW + 259200, 8) + u(1, 4) + seq(0x30, 8) + seq(0x50, 32) + seq(0, 1184)
    bundle = {"device": device.hex(), "bytes": (body + seq(9, 64)).hex(), "signed": (b"\x02" + CHAT + device + body + HASH).hex()}
    profiles = []
    for name, pic in [("", b""), ("Zoë 🦊", pointer(70000, 2))]:
        n = name.encode()
        body = u(NOW, 8) + u(NOW + 259200, 8) + seq(0xE0, 8) + u(len(n), 1) + n + u(len(pic), 1) + pic
        profiles.append({"name": name, "bytes": (body + seq(11, 64)).hex(), "signed": (b"\x03" + CHAT + body + HASH).hex()})
    body = u(NOW, 8) + u(NOW + 259200, 8)
    closed = {"bytes": (body + seq(13, 64)).hex(), "signed": (b"\x04" + CHAT + body + HASH).hex()}
    return {"chat": CHAT.hex(), "secret": SECRET.hex(), "secret_hash": HASH.hex(), "version": NOW, "not_after_s": NOW + 259200,
            "record": {"bytes": record(0).hex(), "signed": (CHAT + record(0)[:121]).hex()},
            "lists": lists, "bundle": bundle, "profiles": profiles, "closed": closed}


# invite
def invite_bytes(tlvs=b"", version=1, cluster=16, expiry=NOW):
    body = u(version, 1) + u(cluster, 2) + u(expiry, 4) + CHAT + SECRET + tlvs
    return body + sha(b"sotto/invite/1", body)[:4]


def link(data):
    return "https://sotto.chat/i#" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def tlv(kind, value):
    return u(kind, 1) + u(len(value), 1) + value


def invite():
    node = b"/ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAmTUbnxLGT9JvV6mu9oPyDjqHK4Phs1VDJNUgESgNSkuby"
    bare, full = invite_bytes(), invite_bytes(tlv(1, "Zoë 🦊".encode()) + tlv(2, node))
    unknown = invite_bytes(tlv(9, b"later") + tlv(1, b"Bob"))
    good = [{"name": None, "nodes": [], "link": link(bare)},
            {"name": "Zoë 🦊", "nodes": [node.decode()], "link": link(full)},
            {"name": "Bob", "nodes": [], "link": link(unknown), "skips": "an unknown TLV"}]
    damaged = bytearray(full)
    damaged[30] ^= 1
    bad = [("Truncated", link(bare)[:-1]), ("Truncated", link(full)[:-3]), ("Truncated", link(full)[:60]), ("Truncated", "https://sotto.chat/i#A"),
           ("Checksum", link(bytes(damaged))), ("NewerVersion", link(invite_bytes(version=2))), ("NewerVersion", link(b"\x03ab" + sha(b"sotto/invite/1", b"\x03ab")[:4])),
           ("Malformed", link(invite_bytes(version=0))), ("Malformed", link(invite_bytes(tlv(1, b"x" * 41)))), ("Malformed", link(invite_bytes(b"\x09\x09abc"))),
           ("Malformed", link(invite_bytes(tlv(1, b"a") + tlv(1, b"b")))), ("Malformed", link(invite_bytes(tlv(1, b"\xff")))),
           ("NotAnInvite", ""), ("NotAnInvite", "https://example.org/"), ("NotAnInvite", "https://sotto.chat/i#"), ("TooLong", link(bytes(700)))]
    return {"cluster": 16, "expiry_s": NOW, "chat": CHAT.hex(), "secret": SECRET.hex(), "good": good,
            "bad": [{"error": e, "link": text} for e, text in bad]}


# content
def message(kind, body, parents=b"", lamport=5):
    return raw(1, seq(0x70, 16)) + num(2, lamport) + num(3, NOW) + raw(4, parents) + num(5, kind) + raw(6, body)


def content():
    other, device = b"\x03" + seq(0x21, 32), seq(0x90, 16)
    conversation = sha(b"sotto/conversation/1", min(CHAT, other), max(CHAT, other))
    text = message(1, "Grüße 👋".encode(), seq(0, 24))
    list1 = bytes.fromhex(identity()["lists"][0]["bytes"])
    home, name = seq(0xE0, 8), "Zoë 🦊".encode()
    bodies = [("Text", 1, "Grüße 👋".encode()),
              ("Request", 2, raw(1, home) + raw(2, name) + raw(3, b"hello")),
              ("Hello", 3, raw(1, home) + raw(2, SECRET) + raw(3, seq(0x30, 8)) + raw(4, seq(0x50, 32)) + raw(5, seq(0, 1184)) + num(6, NOW) + raw(7, name)),
              ("Profile", 4, raw(1, home) + raw(2, name) + raw(3, pointer(70000, 2))),
              ("Typing", 5, b""), ("Pointer", 6, num(1, 1) + raw(2, pointer(300000, 5))), ("List", 7, list1),
              ("Want", 8, seq(0, 16)), ("Gone", 9, seq(8, 8)), ("Read", 10, seq(0x33, 32)),
              ("Post", 11, raw(1, b"Hi Bob, see https://a.b") + raw(2, seq(0x33, 32)) + raw(3, b"what I said") + raw(4, num(1, 3) + num(2, 3) + raw(3, CHAT))
               + raw(5, raw(1, b"https://a.b") + raw(2, b"A page") + raw(3, b"about") + raw(4, pointer(70000, 2)))
               + raw(6, raw(1, pointer(300000, 5)) + num(2, 1) + raw(3, b"a.jpg") + raw(4, b"image/jpeg") + num(5, 640) + num(6, 480) + num(7, 9) + raw(8, seq(1, 40))
                     + raw(9, seq(2, 25)) + num(10, 4000) + num(11, 1) + num(12, NOW)) + num(7, 1) + num(8, 3600) + raw(9, b"foxes") + num(10, 1)),
              ("Edit", 12, raw(1, seq(0x33, 32)) + raw(2, "Grüße an Bob".encode()) + raw(3, num(1, 11) + num(2, 3) + raw(3, bytes(33)))),
              ("Delete", 13, seq(0x33, 64)), ("Reaction", 14, raw(1, seq(0x33, 32)) + raw(2, "👍".encode()) + num(3, 1)),
              ("Pin", 15, raw(1, seq(0x33, 32)) + num(2, 1)), ("Timer", 16, num(1, 86400)),
              ("Poll", 17, raw(1, b"Soup?") + raw(2, b"yes") + raw(2, b"no") + num(3, 1) + num(4, NOW) + num(5, 60)),
              ("Vote", 18, raw(1, seq(0x33, 32)) + raw(2, b"\x00\x01")), ("FileWant", 24, raw(1, seq(0x33, 32)) + num(2, 1) + raw(3, b"\x05\x80")), ("FileGone", 25, raw(1, seq(0x33, 32)) + num(2, 9)),
              ("Unknown", 77, b"\x00later\xff")]
    receipt = seq(0xD0, 4) + u(41, 4) + b"\x05\x80"
    inners = [{"seq": 7, "floor": 5, "receipts": [receipt.hex()], "message": text.hex(),
               "bytes": (num(1, 7) + num(2, 5) + raw(3, receipt) + raw(4, text)).hex()},
              {"seq": 0, "floor": 0, "receipts": [receipt.hex()], "message": "", "bytes": raw(3, receipt).hex()}]
    return {"me": CHAT.hex(), "other": other.hex(), "conversation": conversation.hex(), "device": device.hex(),
            "message": {"random": seq(0x70, 16).hex(), "lamport": 5, "time_s": NOW, "parents": seq(0, 24).hex(), "kind": 1,
                        "body": "Grüße 👋".encode().hex(), "bytes": text.hex(),
                        "id": sha(b"sotto/message/1", conversation, CHAT, device, text).hex()},
            "bodies": [{"content": n, "kind": k, "body": b.hex(), "message": message(k, b).hex()} for n, k, b in bodies],
            "receipt": {"session": seq(0xD0, 4).hex(), "contiguous": 41, "above": [43, 45, 58], "bytes": receipt.hex()},
            "inners": inners}


# blob
def blob():
    cases = []
    for size in (1, 8142, 8143, 32568, 32569, 65486, 65487, 300000, 307200, 1048576):
        room = 8142 if size <= 32568 else 65486
        plain = bytes(i * 7 % 256 for i in range(size))
        chunks = -(-size // room)
        cases.append({"size": size, "class": 8192 if room == 8142 else 65536, "chunks": chunks, "plain": "byte i is 7 i mod 256",
                      "pointer": (seq(0x40, 32) + u(size, 8) + u(chunks, 4) + sha(plain)).hex()})
    bad = [("Size", pointer(0, 1)), ("Size", pointer(0, 0)), ("ChunkCount", pointer(300000, 4)), ("ChunkCount", pointer(300000, 6)), ("ChunkCount", pointer(10, 2)),
           ("ChunkCount", pointer(10000, 1)), ("ChunkCount", pointer(300000, 37)),
           ("Size", pointer(1048577, 17)), ("Size", pointer(2**63, 1)), ("Length", pointer(1, 1)[:-1]), ("Length", pointer(1, 1) + b"\0")]
    return {"file_key": seq(0x40, 32).hex(), "good": cases, "bad": [{"error": e, "pointer": p.hex()} for e, p in bad]}


# file: §11. GF(2^16) in two bases: numbers of chunks and 16-bit words are in the Cantor basis, products in powers of x
CANTOR = (0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012, 0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E)
EXP, LOG, POLY, WORD = [0] * 65535, [0] * 65536, [0] * 65536, [0] * 65536


def field():
    x = 1
    for i in range(65535):
        EXP[i], LOG[x] = x, i
        x = x << 1 ^ (0x1002D if x & 0x8000 else 0)
    for word in range(65536):
        for i in range(16):
            POLY[word] ^= CANTOR[i] if word >> i & 1 else 0
        WORD[POLY[word]] = word


def product(numbers):
    return sum(LOG[POLY[n]] for n in numbers) % 65535


def weight(m, c, j):
    """The logarithm of what data chunk c is multiplied with in parity chunk j."""
    point = m + c
    return (product(point ^ v for v in range(m)) - product(range(1, m)) - product([point ^ j])) % 65535


def words(chunk):
    out = []
    for at in range(0, len(chunk), 64):
        block = chunk[at:at + 64]
        half = len(block) // 2
        out += [POLY[block[i] | block[half + i] << 8] for i in range(half)]
    return out


def from_words(all_, length):
    out, at = b"", 0
    while len(out) < length:
        half = min(64, length - len(out)) // 2
        block = [WORD[w] for w in all_[at:at + half]]
        out, at = out + bytes(w & 255 for w in block) + bytes(w >> 8 for w in block), at + half
    return out


def parity(data, p):
    m, length = 1 << (p - 1).bit_length(), len(data[0])
    rows = [[0] * (length // 2) for _ in range(p)]
    for c, chunk in enumerate(data):
        logs = [LOG[w] if w else None for w in words(chunk)]
        for j, row in enumerate(rows):
            by = weight(m, c, j)
            for i, log in enumerate(logs):
                if log is not None:
                    row[i] ^= EXP[(log + by) % 65535]
    return [from_words(row, length) for row in rows]


def noise(size):
    return b"".join(sha(u(i, 4)) for i in range(-(-size // 32)))[:size]


def plan(size):
    room = 8142 if size <= 32568 else 65486
    k = -(-size // room)
    return room, k, 0 if k == 1 else -(-k // 7)


def chunk_envelope(key, index, plain, size):
    tag, random = derive(b"", key, "sotto/blob-tag/1", 16, u(index, 4)), derive(b"", key, "sotto/blob-random/1", 16, u(index, 4))
    cipher, nonce = key_nonce(derive(random, key, "sotto/blob/1", 44, u(index, 4)))
    payload = ad0(tag, random) + seal(cipher, nonce, ad0(tag, random), pad(plain, size - 50))
    return {"index": index, "class": size, "tag": tag.hex(), "random": random.hex(), "plain": len(plain), "sha256": sha(payload).hex()}


def file():
    field()
    key, preview, good = seq(0x40, 32), seq(0, 4000), []
    for size in (5000, 20000, 950000):
        room, k, p = plan(size)
        plain = noise(size)
        chunks = [plain[i * room:(i + 1) * room] for i in range(k)]
        chunks += parity([c.ljust(room, b"\0") for c in chunks], p) if p else []
        manifest = b"".join(map(sha, chunks)) if k > 1 else b""
        large = 8192 if room == 8142 else 65536
        parts = [(c, chunk, large) for c, chunk in enumerate(chunks[:k])]
        if k > 1:
            small = next(s for s in (2048, 8192, 65536) if s - 50 >= len(manifest))
            parts += [(2**32 - 2, manifest, small), (2**32 - 3, manifest, small)]
        parts += [(2**32 - 1, preview, 8192)] + [(2**30 + j, chunk, large) for j, chunk in enumerate(chunks[k:])]
        few = parts if large == 8192 else [part for part in parts if part[0] in (k - 1, 2**32 - 2, 2**30 + p - 1)]
        good.append({"size": size, "plain": "H(0) ‖ H(1) ‖ …, numbers of 4 bytes", "data": k, "parity": p, "order": [part[0] for part in parts],
                     "chunks": [sha(chunk).hex() for chunk in chunks], "manifest": manifest.hex(),
                     "pointer": (key + u(size, 8) + u(k, 4) + sha(manifest or plain)).hex(), "envelopes": [chunk_envelope(key, *part) for part in few]})
    layouts = []
    for size in (1, 8142, 8143, 32568, 32569, 65486, 65487, 54 * 65486, 54 * 65486 + 1, 222 * 65486, 222 * 65486 + 1, 104857600):
        room, k, p = plan(size)
        layouts.append({"size": size, "chunk": room, "data": k, "parity": p, "manifest": 0 if k == 1 else next(s for s in (2048, 8192, 65536) if s - 50 >= 32 * (k + p))})
    bad = [("Size", pointer(0, 1)), ("Size", pointer(0, 0)), ("Size", pointer(104857601, 1602)), ("Size", pointer(2**63, 1)), ("ChunkCount", pointer(300000, 4)),
           ("ChunkCount", pointer(300000, 6)), ("ChunkCount", pointer(300000, 37)), ("ChunkCount", pointer(8143, 1)), ("ChunkCount", pointer(8142, 0)),
           ("ChunkCount", pointer(104857600, 2**32 - 1)), ("Length", pointer(1, 1)[:-1]), ("Length", pointer(1, 1) + b"\0"), ("Length", b"")]
    return {"file_key": key.hex(), "topic": derive(b"", key, "sotto/blob-topic/1", 8).hex(), "preview_topic": derive(b"", key, "sotto/preview-topic/1", 8).hex(),
            "preview": "byte i is i mod 256", "good": good, "layouts": layouts, "bad": [{"error": e, "pointer": q.hex()} for e, q in bad]}


# waku: the published figures, and frames as deployed nodes write them
def waku():
    pubsub, topic_, payload, ts = "/waku/2/default-waku/proto", "/waku/2/default-content/proto", "010203045445535405060708", 1681964442000000000
    secret = b"super-secret".hex()
    hashes = [(payload, secret, "64cce733fed134e83da02b02c6f689814872b1a0ac97ea56b76095c3c72bfe05"),
              (payload, seq(0, 64).hex(), "7158b6498753313368b9af8f6e0a0a05104f68f972981da42a43bc53fb0c1b27"),
              (payload, None, "a2554498b31f5bcdfcbf7fa58ad1c2d45f0254f3f8110a85588ec3cf10720fd8"),
              ("", secret, "483ea950cb63f9b9d6926b262bb36194d3f40a0463ce8446228350bd44e96de4")]
    minimal = "0a0c010203045445535405060708121d2f77616b752f322f64656661756c742d636f6e74656e742f70726f746f508090fca3f4efc4d72e5a0c73757065722d736563726574"
    full = minimal.replace("70726f746f50", "70726f746f180050") + "aa0100f80100"
    shards = [("myapp/1", 8, 0), ("toychat/2", 8, 3), ("waku/2", 8, 1), ("waku/1", 8, 4), ("statusim/1", 8, 4), ("logos-chat/1", 8, 0), ("app/22", 8, 2),
              ("app/27", 8, 5), ("app/20", 8, 7), ("app/20", 16, 15), ("app/20", 2, 1), ("app/20", 1, 0), ("app/20", 3, 2), ("app/29", 8, 6)]
    rid = "0d9a1b1e-3c4e-4d7e-9c2a-000000000001"
    rest = "1001" + "52102f77616b752f322f72732f31362f3332" + "5a0c2f742f312f612f70726f746f"
    push = raw(1, b"hello") + raw(2, b"/t/1/a/proto") + bytes.fromhex("1800") + b"\x50" + varint(zigzag(ts)) + bytes.fromhex("f80100")
    frames = {"js_filter_subscribe": "0a24" + rid.encode().hex() + rest, "js_store_query": "0a24" + rid.encode().hex() + rest,
              "js_lightpush_v3": "0a24" + rid.encode().hex() + "a201102f77616b752f322f72732f31362f3332" + "aa01" + varint(len(push)).hex() + push.hex(),
              "metadata_16_32": "081010201a0120", "metadata_js": "0810"}
    return {"pubsub_topic": pubsub, "content_topic": topic_, "timestamp": str(ts), "request_id": rid,
            "hashes": [{"payload": p, "meta": m, "hash": h} for p, m, h in hashes],
            "encodings": [{"encoder": "minimal", "bytes": minimal, "gossip_id": "ce571a2092b1c046d6ed3c476b55d64db1d93bc76348d343e832399326adbea6"},
                          {"encoder": "all fields", "bytes": full, "gossip_id": "789246a8aab9d382867f0a9c0447eeec577386dbf5ef9da98a0498787a9b648b"}],
            "autoshard": [{"app": a, "shards": n, "shard": s} for a, n, s in shards], "frames": frames}


def main():
    changed = 0
    for make in (envelope, topic, identity, invite, content, blob, file, waku):
        path = os.path.join(HERE, make.__name__ + ".json")
        text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        if not os.path.exists(path):
            open(path, "w", encoding="utf-8").write(text)
        elif open(path, encoding="utf-8").read() != text:
            print(f"{make.__name__}.json differs")
            changed = 1
    return changed


if __name__ == "__main__":
    sys.exit(main())
