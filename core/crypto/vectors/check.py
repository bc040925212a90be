#!/usr/bin/env python3
"""A second implementation of the keys and ciphers, written from docs/protocol.md and the specifications named there.

It uses Python's standard library only: slow, not constant in time, good for this check and nothing else. It makes the
bytes in frozen.json anew from the private keys and random bytes that stand there, and says what differs.
"""
import hashlib, hmac, json, os, sys

HERE = os.path.dirname(os.path.abspath(__file__))


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u(value, size):
    return value.to_bytes(size, "big")


def tagged(label, *parts):
    return H(H(label.encode()), H(label.encode()), *parts)


def mac(key, data, name="sha256"):
    return hmac.new(key, data, name).digest()


# HKDF (RFC 5869)
def extract(salt, ikm):
    return mac(salt or bytes(32), ikm)


def expand(prk, info, size):
    out, block, i = b"", b"", 1
    while len(out) < size:
        block = mac(prk, block + info + bytes([i]))
        out, i = out + block, i + 1
    return out[:size]


def derive(salt, ikm, label, size, *parts):
    return expand(extract(salt, ikm), label.encode() + b"".join(parts), size)


# ChaCha20, Poly1305 and their AEAD (RFC 8439)
def chacha_block(key, counter, nonce):
    le = lambda b: [int.from_bytes(b[i:i + 4], "little") for i in range(0, len(b), 4)]
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574] + le(key) + [counter] + le(nonce)
    x = list(start)

    def quarter(a, b, c, d):
        for p, q, r, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & 0xFFFFFFFF
            t = x[r] ^ x[p]
            x[r] = (t << n | t >> (32 - n)) & 0xFFFFFFFF

    for _ in range(10):
        for columns in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                        (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(*columns)
    return b"".join(((a + b) & 0xFFFFFFFF).to_bytes(4, "little") for a, b in zip(x, start))


def keystream(key, nonce, counter, size):
    return b"".join(chacha_block(key, counter + i, nonce) for i in range(-(-size // 64)))[:size]


def seal(key, nonce, ad, plain):
    body = bytes(a ^ b for a, b in zip(plain, keystream(key, nonce, 1, len(plain))))
    one_time = chacha_block(key, 0, nonce)[:32]
    r = int.from_bytes(one_time[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    s, acc = int.from_bytes(one_time[16:], "little"), 0
    pad = lambda b: b + bytes(-len(b) % 16)
    data = pad(ad) + pad(body) + len(ad).to_bytes(8, "little") + len(body).to_bytes(8, "little")
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return body + ((acc + s) % 2**128).to_bytes(16, "little")


# X25519 (RFC 7748)
P = 2**255 - 19


def x25519(scalar, point=u(9, 1) + bytes(31)):
    k = bytearray(scalar)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k, x1 = int.from_bytes(k, "little"), int.from_bytes(point, "little") % 2**255
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


# ML-KEM-768 (FIPS 203)
Q, N, K = 3329, 256, 3
ZETA = [pow(17, int(f"{i:07b}"[::-1], 2), Q) for i in range(128)]
GAMMA = [pow(17, 2 * int(f"{i:07b}"[::-1], 2) + 1, Q) for i in range(128)]


def ntt(f):
    f, i, size = list(f), 1, 128
    while size >= 2:
        for start in range(0, N, 2 * size):
            for j in range(start, start + size):
                t = ZETA[i] * f[j + size] % Q
                f[j + size], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
            i += 1
        size //= 2
    return f


def ntt_back(f):
    f, i, size = list(f), 127, 2
    while size <= 128:
        for start in range(0, N, 2 * size):
            for j in range(start, start + size):
                t = f[j]
                f[j], f[j + size] = (t + f[j + size]) % Q, ZETA[i] * (f[j + size] - t) % Q
            i -= 1
        size *= 2
    return [x * 3303 % Q for x in f]


def times(f, g):
    out = []
    for i in range(128):
        a, b, c, d = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        out += [(a * c + b * d * GAMMA[i]) % Q, (a * d + b * c) % Q]
    return out


def add(*polys):
    return [sum(c) % Q for c in zip(*polys)]


def bits(data):
    return [byte >> i & 1 for byte in data for i in range(8)]


def pack(values, d):
    flat = [v >> i & 1 for v in values for i in range(d)]
    return bytes(sum(b << i for i, b in enumerate(flat[j:j + 8])) for j in range(0, len(flat), 8))


def unpack(data, d):
    flat = bits(data)
    return [sum(flat[i * d + j] << j for j in range(d)) for i in range(len(flat) // d)]


def sample_ntt(seed):
    stream, out, at = hashlib.shake_128(seed).digest(4096), [], 0
    while len(out) < N:
        a, b, c = stream[at:at + 3]
        at += 3
        out += [v for v in (a + 256 * (b % 16), b // 16 + 16 * c) if v < Q]
    return out[:N]


def noise(seed, n):
    b = bits(hashlib.shake_256(seed + bytes([n])).digest(128))
    return [(b[4 * i] + b[4 * i + 1] - b[4 * i + 2] - b[4 * i + 3]) % Q for i in range(N)]


def matrix(rho):
    return [[sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def kem_public(seed):
    d = hashlib.sha3_512(seed[:32] + bytes([K])).digest()
    rho, sigma = d[:32], d[32:]
    s = [ntt(noise(sigma, i)) for i in range(K)]
    e = [ntt(noise(sigma, K + i)) for i in range(K)]
    t = [add(*(times(a, b) for a, b in zip(row, s)), e[i]) for i, row in enumerate(matrix(rho))]
    return b"".join(pack(p, 12) for p in t) + rho


def squeeze(p, d):
    return [((v << d + 1) + Q) // (2 * Q) % 2**d for v in p]


def encapsulate(ek, m):
    both = hashlib.sha3_512(m + hashlib.sha3_256(ek).digest()).digest()
    shared, r = both[:32], both[32:]
    t, a = [unpack(ek[384 * i:384 * i + 384], 12) for i in range(K)], matrix(ek[-32:])
    y = [ntt(noise(r, i)) for i in range(K)]
    one = lambda i: add(*(times(a[j][i], y[j]) for j in range(K)))
    c1 = [add(ntt_back(one(i)), noise(r, K + i)) for i in range(K)]
    mu = [(Q + 1) // 2 * b for b in bits(m)]
    v = add(ntt_back(add(*(times(p, q) for p, q in zip(t, y)))), noise(r, 2 * K), mu)
    return b"".join(pack(squeeze(p, 10), 10) for p in c1) + pack(squeeze(v, 4), 4), shared


# secp256k1, BIP32, BIP39, ECDSA with RFC 6979 and low S
FIELD, ORDER = 2**256 - 2**32 - 977, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BASE = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
        0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def plus(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % FIELD == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, FIELD)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, FIELD)
    x = (slope * slope - a[0] - b[0]) % FIELD
    return x, (slope * (a[0] - x) - a[1]) % FIELD


def multiply(k, point=BASE):
    out = None
    while k:
        if k & 1:
            out = plus(out, point)
        point, k = plus(point, point), k >> 1
    return out


def compressed(point):
    return bytes([2 + point[1] % 2]) + u(point[0], 32)


def chat_key(seed):
    i = mac(b"Bitcoin seed", seed, "sha512")
    key, chain = int.from_bytes(i[:32], "big"), i[32:]
    for step in (43 | 1 << 31, 60 | 1 << 31, 1581 | 1 << 31, 1 << 31, 0):
        data = b"\0" + u(key, 32) if step >> 31 else compressed(multiply(key))
        i = mac(chain, data + u(step, 4), "sha512")
        key, chain = (int.from_bytes(i[:32], "big") + key) % ORDER, i[32:]
    return key


def sign(key, digest):
    z = int.from_bytes(digest, "big") % ORDER
    v, k = b"\1" * 32, bytes(32)
    for sep in (b"\0", b"\1"):
        k = mac(k, v + sep + u(key, 32) + u(z, 32))
        v = mac(k, v)
    v = mac(k, v)
    nonce = int.from_bytes(v, "big")
    r = multiply(nonce)[0] % ORDER
    s = pow(nonce, -1, ORDER) * (z + r * key) % ORDER
    return u(r, 32) + u(min(s, ORDER - s), 32)


def base58(data):
    letters, n, out = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", int.from_bytes(data, "big"), ""
    while n:
        n, rest = divmod(n, 58)
        out = letters[rest] + out
    return out


# docs/protocol.md
ZERO = bytes(12)


def ad0(tag, random):
    return b"\1" + tag + random


def key_nonce(okm):
    return okm[:32], okm[32:]


class Session:
    """§8. Sending only, and the root steps of receiving."""

    def __init__(self, S, root, header, tags, ratchet=None):
        self.S, self.root, self.next, self.ratchet = S, root, (header, tags), ratchet
        self.chain, self.pn = None, 0

    def step(self, dh):
        okm = derive(self.root, dh, "sotto/root/1", 128)
        self.root = okm[:32]
        return okm[32:64], (okm[64:96], okm[96:])

    def start(self, ratchet, remote, keys=None):
        self.ratchet = ratchet
        ck, after = self.step(x25519(ratchet, remote))
        self.chain, self.n, self.keys, self.next = ck, 0, keys or self.next, after

    def answered(self, remote):
        self.step(x25519(self.ratchet, remote))
        self.pn = self.n if self.chain else self.pn
        self.chain = None

    def seal(self, random, plain, tag=None):
        mk, self.chain = mac(self.chain, b"\1"), mac(self.chain, b"\2")
        tag = tag or keystream(self.keys[1], ZERO, 0, 16 * self.n + 16)[-16:]
        head = b"\1\0" + x25519(self.ratchet) + u(self.n, 4) + u(self.pn, 4) + bytes(48)
        header = seal(self.keys[0], random[:12], ad0(tag, random), head)
        key, nonce = key_nonce(derive(random, mk, "sotto/message-key/1", 44))
        message = seal(key, nonce, ad0(tag, random) + header + self.S, plain)
        self.n += 1
        return {"tag": tag.hex(), "random": random.hex(), "n": self.n - 1, "header": header.hex(), "message": message.hex()}


def read(part, *names):
    return [bytes.fromhex(part[name]) for name in names]


def handshake_and_ratchet(h, first, texts):
    """All bytes from the private keys, random bytes and first tag in the file."""
    alice, bob, bob_device, record = read(h, "initiator", "recipient", "recipient_device", "record")
    ika, eka, m, ra = read(h["initiator_private"], "identity", "ephemeral", "encapsulation", "ratchet")
    ikb, prekey, spkb, kem_seed = read(h["recipient_private"], "identity", "prekey_id", "prekey_x25519", "prekey_kem_seed")
    ek = kem_public(kem_seed)
    ct, ss = encapsulate(ek, m)
    # §7
    t0 = tagged("sotto/transcript/1", b"\1", bob, bob_device, x25519(ikb), x25519(eka), x25519(spkb), ek, ct, prekey)
    c0 = extract(t0, x25519(eka, x25519(ikb)) + x25519(eka, x25519(spkb)) + ss)
    inner = alice + record + u(h["start"], 4)
    core = b"\1" + prekey + x25519(eka) + ct + seal(expand(c0, b"sotto/handshake-seal/1", 32), ZERO, t0, inner)
    S = tagged("sotto/session/1", t0, inner)
    okm = expand(extract(c0, x25519(ika, x25519(spkb))), b"sotto/session-keys/1" + S, 128)
    rk0, hka, nhkb, ntkb = (okm[i:i + 32] for i in range(0, 128, 32))
    secret, tag, random = read(h, "secret", "tag", "random")
    block = seal(derive(tag, secret, "sotto/mask/1", 32), ZERO, ad0(tag, random), core)
    # §8
    a, b = Session(S, rk0, None, None), Session(S, rk0, nhkb, ntkb, spkb)
    a.start(ra, x25519(spkb), (hka, None))
    hello_tag, hello_random = read(first["initiator"], "tag", "random")
    hello = a.seal(hello_random, b"hello", hello_tag)
    b.answered(x25519(ra))
    rb, ra2 = read(first, "recipient_ratchet_private", "initiator_ratchet_private")
    b.start(rb, x25519(ra))
    answer = b.seal(*read(first["recipient"], "random"), b"answer")
    a.answered(x25519(rb))
    a.start(ra2, x25519(rb))
    messages = [a.seal(*read(text, "random"), bytes([i]) * 40) for i, text in enumerate(texts)]
    made = {"core": core.hex(), "hash": H(x25519(eka), ct).hex(), "session": S.hex(), "block": block.hex(),
            "recipient_public": {"prekey_x25519": x25519(spkb).hex(), "prekey_kem": ek.hex()}}
    return made, {"initiator": hello, "recipient": answer, "initiator_plain": b"hello".hex(), "recipient_plain": b"answer".hex()}, messages


def account(phrase):
    seed = hashlib.pbkdf2_hmac("sha512", phrase.encode(), b"mnemonic", 2048)
    key = chat_key(seed)
    return {"phrase": phrase, "id": "z" + base58(b"\xe7\x01" + compressed(multiply(key))),
            "home_value": derive(b"", seed, "sotto/home-value/1", 8).hex(), "self_secret": derive(b"", seed, "sotto/self-secret/1", 16).hex(),
            "signature": {"label": "sotto/test/1", "bytes": b"frozen".hex(), "signature": sign(key, tagged("sotto/test/1", b"frozen")).hex()}}


def card_tag(secret, kind, device, day):
    return derive(b"", secret, "sotto/card-tag/1", 16, bytes([kind]), device, u(day, 4))


def card():
    secret, device, random, plain = bytes([7] * 16), bytes([3] * 16), bytes([9] * 16), b"a card"
    tag = card_tag(secret, 1, device, 20_000)
    key, nonce = key_nonce(derive(random, secret, "sotto/card/1", 44))
    return {"secret": secret.hex(), "kind": 1, "device": device.hex(), "unix_day": 20_000, "tag": tag.hex(), "random": random.hex(), "plain": plain.hex(),
            "bucket": derive(b"", secret, "sotto/card-bucket/1", 8).hex(), "sealed": seal(key, nonce, ad0(tag, random), plain).hex()}


def takeover():
    secret, random, plain = bytes([7] * 16), bytes([9] * 16), b"a list"
    tag = derive(random, secret, "sotto/takeover-tag/1", 16)
    key, nonce = key_nonce(derive(random, secret, "sotto/takeover/1", 44))
    return {"self_secret": secret.hex(), "random": random.hex(), "tag": tag.hex(), "plain": plain.hex(),
            "sealed": seal(key, nonce, ad0(tag, random), plain).hex()}


def blob():
    file_key, random, plain = bytes([8] * 32), bytes([9] * 16), b"a chunk"
    tag = derive(b"", file_key, "sotto/blob-tag/1", 16, u(5, 4))
    key, nonce = key_nonce(derive(random, file_key, "sotto/blob/1", 44, u(5, 4)))
    return {"file_key": file_key.hex(), "topic": derive(b"", file_key, "sotto/blob-topic/1", 8).hex(), "chunk": 5, "tag": tag.hex(),
            "random": random.hex(), "plain": plain.hex(), "sealed": seal(key, nonce, ad0(tag, random), plain).hex()}


def file_keys():
    file_key, local_key, name, random, plain = bytes([8] * 32), bytes([10] * 32), bytes([11] * 8), bytes([9] * 16), b"a block"
    key, nonce = key_nonce(derive(random, local_key, "sotto/file/1", 44, u(3, 4)))
    return {"file_key": file_key.hex(), "preview_topic": derive(b"", file_key, "sotto/preview-topic/1", 8).hex(), "chunk": 5,
            "chunk_random": derive(b"", file_key, "sotto/blob-random/1", 16, u(5, 4)).hex(), "local_key": local_key.hex(), "name": name.hex(),
            "block": 3, "size": 300_000, "random": random.hex(), "plain": plain.hex(),
            "sealed": seal(key, nonce, name + u(3, 4) + u(300_000, 8), plain).hex()}


def safety():
    one, other = bytes([2] * 33), bytes([3] * 33)
    prints = []
    for chat in sorted((one, other)):
        f = tagged("sotto/safety/1", chat)
        for _ in range(5199):
            f = tagged("sotto/safety/1", f, chat)
        prints.append(f)
    groups = [f"{int.from_bytes(f[i:i + 5], 'big') % 100_000:05}" for f in prints for i in range(0, 30, 5)]
    devices = [[bytes([1] * 80)], [bytes([5] * 80), bytes([4] * 80)]]
    hashes = [tagged("sotto/devices/1", b"".join(sorted(one))) for one in devices]
    return {"one": one.hex(), "other": other.hex(), "number": " ".join(groups), "devices_of_one": [d.hex() for d in devices[0]],
            "devices_of_other": [d.hex() for d in devices[1]], "qr": (b"\2" + prints[0] + prints[1] + hashes[0] + hashes[1]).hex()}


def differences(frozen, made, path=""):
    if isinstance(made, dict):
        return [d for key in made for d in differences(frozen.get(key), made[key], f"{path}.{key}")]
    if isinstance(made, list):
        return [d for i, m in enumerate(made) for d in differences(frozen[i], m, f"{path}[{i}]")]
    return [] if frozen == made else [path]


def groups():
    """group.json, by group.py beside this file."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, HERE)
    import group
    with open(os.path.join(HERE, "group.json"), encoding="utf-8") as file:
        frozen = json.load(file)
    made = group.made(frozen)
    unread = sorted(key for key, value in frozen.items() if isinstance(value, dict) and key not in made)
    return [f"group.json{path} differs" for path in differences(frozen, made)] + [f"group.json: nobody remakes {key}" for key in unread]


def main():
    with open(os.path.join(HERE, "frozen.json"), encoding="utf-8") as file:
        frozen = json.load(file)
    handshake, first, messages = handshake_and_ratchet(frozen["handshake"], frozen["first_messages"], frozen["ratchet"]["messages"])
    made = {"account": account(frozen["account"]["phrase"]), "handshake": handshake, "first_messages": first,
            "ratchet": {"messages": messages}, "card": card(), "takeover": takeover(), "blob": blob(), "file": file_keys(), "safety": safety()}
    unread = sorted(set(frozen) ^ set(made))
    wrong = differences(frozen, made)
    for path in wrong:
        print(f"frozen.json{path} differs")
    for part in unread:
        print(f"frozen.json: {part} is in one of them only")
    of_groups = groups()
    print("\n".join(of_groups), end="\n" if of_groups else "")
    return 1 if wrong or unread or of_groups else 0


if __name__ == "__main__":
    sys.exit(main())
