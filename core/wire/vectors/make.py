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


# groups: §16
ROOT, MEMBER = seq(0x11, 32), 2**32 - 1


def leaf(first, delegated=False, kem_hash=None):
    rec = bytearray(record(1))
    rec[100] = 1 if delegated else 0
    keys = seq(first, 32) + seq(first + 0x20, 32) + seq(first + 0x40, 32) + (kem_hash or seq(first + 0x60, 32))
    return CHAT + bytes(rec) + (seq(0x55, 128) if delegated else b"") + keys


def leaf_id(data):
    return sha(b"sotto/group-leaf/1", ROOT, data)[:16]


def group_seed(i):
    return seq(0x21 + i, 8) + seq(0x31 + i, 16) + seq(0x61 + i, 32)


def need_range(i):
    return seq(0x21 + i, 8) + seq(0x31 + i, 16) + u(i, 4) + u(2 * i, 4)


def entry(kind, body, signer=0, author=seq(0x31, 16), seat=MEMBER, depth=3, own=bytes(16), parents=(seq(0x40, 32),), version=1, cert=None):
    """All before the signature."""
    cert = seq(0x99, 96) if cert is None and signer == 2 else cert or b""
    return (u(version, 1) + u(kind, 1) + u(signer, 1) + author + u(seat, 4) + u(depth, 4) + u(NOW, 8) + own + u(len(parents), 1) + b"".join(parents)
            + u(len(body), 2) + body + cert)


SIG = seq(0x77, 64)


def last(*places):
    return u(len(places), 1) + b"".join(place + seq(1, 8) + u(9, 4) for place in places)


def genesis(name=b"Foxes", policy=b"\1\0\1\0", author=None, **other):
    first = leaf(0x10)
    return entry(0, ROOT + first + name + policy, author=author or leaf_id(first), seat=0, depth=0, parents=(), **other)


def entries():
    a, b, own = seq(0x20, 16), seq(0x30, 16), seq(0xF0, 16)
    up = (seq(0x40, 32), seq(0x50, 32))
    good = [("Genesis", genesis()), ("Add", entry(1, seq(0x61, 32) + leaf(0x18), seat=5, own=own)), ("Remove", entry(2, a + b"\1" + last(a, b), seat=0, parents=up)),
            ("Leave", entry(3, b"")), ("Leaf", entry(4, leaf(0x18) + bytes(16))), ("LeafByB", entry(4, leaf(0x18, True) + b, signer=2)),
            ("UnleafByA", entry(5, b"\2" + a + b + last(a), signer=1)), ("Unleaf", entry(5, b"\1" + a + last(), seat=2)), ("Grant", entry(6, a + u(7, 4), seat=0)),
            ("Rekey", entry(8, seq(0x71, 32))), ("Refuse", entry(9, seq(0x61, 32), seat=1)), ("Close", entry(10, b"", seat=0)),
            ("DeputyOff", entry(11, seq(0x66, 32), signer=1)), ("Unknown", entry(77, b"later\xff"))]
    values = [("Name", 1, "Füchse".encode()), ("Picture", 2, pointer(70000, 2)), ("NoPicture", 2, b""), ("Timer", 3, u(86400, 4)), ("Text", 4, b"About foxes"),
              ("Adds", 5, b"\1"), ("Sets", 6, b"\0"), ("Writes", 7, b"\1"), ("Link", 8, seq(0x61, 32) + b"\1"), ("History", 9, b"\1"), ("UnknownField", 44, b"later")]
    return good + [(name, entry(7, u(field, 1) + value, seat=1)) for name, field, value in values]


def bad_entries():
    a, b, rekey = seq(0x20, 16), seq(0x30, 16), seq(0x71, 32)
    rec = bytearray(leaf(0x18))
    rec[33 + 100] = 2
    make = [("Newer", entry(3, b"", version=2)), ("Field", entry(3, b"", version=0)), ("Order", entry(8, rekey, parents=(seq(0x50, 32), seq(0x40, 32)))),
            ("Order", entry(8, rekey, parents=(seq(0x50, 32), seq(0x50, 32)))), ("TooMany", entry(8, rekey, parents=[seq(i, 32) for i in range(9)])),
            ("Field", entry(8, rekey, parents=())), ("Field", entry(8, rekey, depth=0)), ("Field", entry(8, rekey, signer=1)), ("Field", entry(8, rekey, signer=3)),
            ("Length", entry(8, rekey + b"\0")), ("Length", entry(8, rekey[1:])), ("Length", entry(4, leaf(0x18))), ("Length", entry(4, leaf(0x18, True)[:-1] + bytes(16))),
            ("Field", entry(4, leaf(0x18) + bytes(16), seat=0)), ("Field", entry(4, bytes(rec) + bytes(16))), ("Field", entry(4, leaf(0x18) + bytes(16), signer=1, seat=0)),
            ("Field", entry(4, leaf(0x18) + bytes(16), signer=1, own=seq(1, 16))), ("Field", entry(2, a + b"\1" + last())), ("Field", entry(2, a + b"\2" + last(), seat=0)),
            ("Order", entry(2, a + b"\1" + last(b, a), seat=0)), ("TooMany", entry(2, a + b"\0" + u(65, 1) + bytes(65 * 28), seat=0)), ("TooMany", entry(5, b"\0" + last(), seat=0)),
            ("TooMany", entry(5, b"\5" + bytes(80) + last(), seat=0)), ("Order", entry(5, b"\2" + b + a + last(), seat=0)), ("Field", entry(6, a + u(3, 4), seat=3)),
            ("Field", entry(10, b"", seat=1)), ("Length", entry(10, b"\0", seat=0)), ("Field", entry(11, rekey)), ("Field", entry(11, rekey, signer=2)), ("Field", entry(9, rekey)),
            ("Field", entry(7, b"\0x", seat=0)), ("TooLong", entry(7, b"\1" + b"x" * 61, seat=0)), ("Text", entry(7, b"\1\xff", seat=0)),
            ("Field", entry(7, b"\3" + u(4, 4), seat=0)), ("TooLong", entry(7, b"\4" + b"x" * 501, seat=0)), ("Field", entry(7, b"\5\2", seat=0)),
            ("Length", entry(7, b"\5\1\1", seat=0)), ("Picture(Length)", entry(7, b"\2" + bytes(75), seat=0)), ("TooLong", entry(77, bytes(2049))),
            ("Field", genesis(author=a)), ("Field", genesis(own=seq(1, 16))), ("TooLong", genesis(name=b"x" * 61)), ("Text", genesis(name=b"\xff")), ("Field", genesis(policy=b"\2\0\0\0"))]
    return [(e, data + SIG) for e, data in make] + [("Length", entry(3, b"") + SIG + b"\0"), ("Length", entry(3, b"") + SIG[:-1]), ("Length", b""), ("TooLong", bytes(2519))]


def part_head(form, count, part=1, parts=3):
    return b"\1" + seq(0x40, 32) + seq(0x31, 16) + u(5, 4) + u(part, 1) + u(parts, 1) + seq(0x81, 32) + u(form, 1) + u(count, 2)


def items(count):
    return b"".join(seq(i, 8) + seq(2 * i, 48) for i in range(count))


def intros(count):
    return b"".join(seq(i, 16) + seq(3 * i, 1088) + seq(5 * i, 48) for i in range(count))


def group():
    leaves = [{"delegated": d, "bytes": leaf(0x10, d).hex(), "id": leaf_id(leaf(0x10, d)).hex()} for d in (False, True)]
    good = [{"entry": name, "bytes": (data + SIG).hex(), "signed": (ROOT + data).hex(), "id": sha(b"sotto/group-entry-id/1", ROOT, data).hex()} for name, data in entries()]
    parts = [{"form": f, "count": n, "class": c, "head": part_head(f, n).hex(), "sha256": sha(part_head(f, n) + (intros if f else items)(n)).hex()}
             for f, n, c in ((0, 16, 2048), (0, 32, 2048), (0, 48, 8192), (0, 128, 8192), (1, 1, 2048), (1, 2, 65536), (1, 56, 65536))]
    bad_parts = [("Field", part_head(0, 0)), ("Field", part_head(0, 17) + items(17)), ("TooMany", part_head(0, 144)), ("TooMany", part_head(1, 57)),
                 ("Field", part_head(2, 16) + items(16)), ("Field", part_head(0, 16, 3, 3) + items(16)), ("Length", part_head(0, 16) + items(15)), ("Length", part_head(0, 16) + items(17))]
    whisper = b"\2" + seq(0x31, 16) + seq(0x81, 32) + seq(0, 1088) + seq(0x91, 8)
    stuck = b"\3" + seq(0x31, 16) + seq(0x81, 32) + u(NOW, 8) + u(2, 1) + seq(1, 8) + seq(2, 8)
    by_b = entry(4, leaf(0x18, True) + bytes(16), signer=2)
    bad_masked = [("Newer", b"\5later"), ("Field", b"\0"), ("Length", b""), ("Length", whisper + bytes(16)), ("TooLong", whisper + bytes(817)), ("Length", whisper[:-1]),
                  ("Order", b"\3" + bytes(56) + u(2, 1) + seq(2, 8) + seq(1, 8) + SIG), ("Field", b"\3" + bytes(56) + b"\0" + SIG), ("TooMany", b"\3" + bytes(56) + u(33, 1) + bytes(264) + SIG),
                  ("Length", stuck + SIG + b"\0"), ("Field", b"\4" + entry(3, b"") + SIG)]
    ack, proof = seq(0x31, 4) + u(7, 4), seq(0x31, 16) + seq(0xD1, 16)
    inner = raw(1, ack + ack) + raw(2, seq(0x40, 32)) + raw(3, b"M") + raw(4, entry(3, b"") + SIG) + raw(4, b"x") + raw(5, group_seed(0)) + raw(6, seq(0, 1184)) + raw(7, proof) + num(8, 1)
    bad_inners = [("TooMany", raw(1, bytes(104))), ("Length", raw(1, bytes(9))), ("TooMany", raw(2, bytes(80))), ("Length", raw(2, bytes(15))), ("TooMany", raw(4, b"x") * 9),
                  ("TooMany", raw(5, bytes(56 * 17))), ("TooMany", raw(7, bytes(32 * 129))), ("TooLong", raw(3, bytes(8043))),
                  ("TooLong", raw(4, bytes(2519))), ("Length", raw(6, bytes(1183))), ("Malformed", b"\xff")]
    row = seq(0x31, 16) + u(7, 4) + seq(0x61, 32) + seq(0x81, 32)
    handover = (b"\1" + u(2, 2) + u(3, 2) + b"one" + u(0, 2) + u(1, 1) + seq(0x40, 32) + u(2, 2) + row + u(128, 1) + seq(0x61, 128) + row + u(0, 1) + u(1, 2) + seq(3, 1184))
    bad_handovers = [("Newer", b"\2"), ("Field", b"\0"), ("Length", b""), ("Length", handover[:-1]), ("Length", handover + b"\0"), ("Field", handover[:-1187] + b"\1x" + handover[-1186:]),
                     ("TooMany", b"\1" + u(0, 2) + u(17, 1) + (bytes(32) + u(0, 2)) * 17 + u(0, 2)), ("TooLong", b"\1" + u(1, 2) + u(2519, 2) + bytes(2519) + b"\0" + u(0, 2))]
    cases = lambda all_: [{"error": e, "bytes": b.hex()} for e, b in all_]
    return {"root": ROOT.hex(), "leaves": leaves, "genesis": {"bytes": (genesis() + SIG).hex(), "group": sha(b"sotto/group/1", genesis() + SIG).hex()}, "entries": good,
            "bad_entries": cases(bad_entries()), "bad_leaves": cases([("Length", leaf(1) + b"\0"), ("Length", leaf(1, True)[:-1]), ("Field", bytes(133) + b"\2" + bytes(340))]),
            "parts": parts, "bad_parts": cases(bad_parts), "whisper": {"head": whisper.hex(), "bytes": (whisper + seq(0, 40)).hex()},
            "stuck": {"group": seq(0x41, 32).hex(), "bytes": (stuck + SIG).hex(), "signed": (seq(0x41, 32) + stuck).hex()}, "masked_entry": (b"\4" + by_b + SIG).hex(),
            "bad_masked": cases(bad_masked), "inner": inner.hex(), "bad_inners": cases(bad_inners), "handover": handover.hex(), "bad_handovers": cases(bad_handovers),
            "rooms": [{"class": c, "opening": o, "inner": c - 50 - 97 - o} for c in (512, 2048, 8192) for o in (0, 128, 172)],
            "item_counts": [{"leaves": n, "counts": [128] * (n // 128) + ([-(-(n % 128) // 16) * 16] if n % 128 else [])} for n in (0, 1, 16, 17, 32, 33, 128, 129, 350, 1400)]}


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
              ("Vote", 18, raw(1, seq(0x33, 32)) + raw(2, b"\x00\x01")), ("GroupInvite", 20, raw(1, seq(0x41, 32)) + raw(2, "Füchse 🦊".encode()) + num(3, 12) + raw(4, pointer(70000, 2))),
              ("GroupAnswer", 21, raw(1, seq(0x41, 32)) + raw(2, leaf(0x10, False, sha(seq(0, 1184)))) + raw(3, seq(0, 1184))),
              ("GroupWelcome", 22, raw(1, seq(0x41, 32)) + raw(2, ROOT) + raw(3, seq(0x81, 32)) + raw(4, seq(0x91, 8)) + raw(5, seq(0x31, 16)) + num(6, 3)
               + raw(7, seq(0xA1, 32)) + raw(8, group_seed(0) + group_seed(1)) + raw(9, seq(0xB1, 64)) + raw(10, pointer(300000, 5))),
              ("FileWant", 24, raw(1, seq(0x33, 32)) + num(2, 1) + raw(3, b"\x05\x80")), ("FileGone", 25, raw(1, seq(0x33, 32)) + num(2, 9)),
              ("OldKey", 28, seq(0x21, 8) + seq(0x41, 32)), ("Need", 29, need_range(0) + need_range(1)), ("LogWant", 30, seq(0x20, 32)),
              ("Relay", 31, raw(1, seq(0x21, 8)) + raw(2, seq(0x31, 16)) + num(3, 7) + raw(4, seq(0x77, 64)) + raw(5, seq(0x51, 32)) + raw(6, seq(0x61, 128)) + raw(7, b"inner")),
              ("GroupGone", 32, need_range(2)),
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
    for make in (envelope, topic, identity, invite, content, blob, file, waku, group):
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
