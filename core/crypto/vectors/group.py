"""Groups: the part of check.py for chapter 16 of docs/protocol.md. It remakes group.json from its private keys."""
import hashlib

import check
from check import H, ad0, derive, encapsulate, kem_public, key_nonce, keystream, mac, seal, tagged, u, x25519

ZERO = bytes(12)

# Ed25519 (RFC 8032)
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE = (15112221349535400772501151409588531511454012693041857206046113283949847762202,
        46316835694926478169428394003475163141307993866256225615783033603165251855960)


def plus(a, b):
    t = D * a[0] * b[0] * a[1] * b[1] % P
    return ((a[0] * b[1] + a[1] * b[0]) * pow(1 + t, -1, P) % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P) % P)


def point(k):
    out, step = (0, 1), BASE
    while k:
        if k & 1:
            out = plus(out, step)
        step, k = plus(step, step), k >> 1
    return (out[1] | (out[0] & 1) << 255).to_bytes(32, "little")


def secret(seed):
    h = hashlib.sha512(seed).digest()
    return int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254, h[32:]


def public(seed):
    return point(secret(seed)[0])


def sign(seed, label, *parts):
    (a, prefix), message = secret(seed), tagged(label, *parts)
    number = lambda *data: int.from_bytes(hashlib.sha512(b"".join(data)).digest(), "little") % ORDER
    r = number(prefix, message)
    big_r = point(r)
    return big_r + ((r + number(big_r, point(a), message) * a) % ORDER).to_bytes(32, "little")


# §16
def read(part, *names):
    return [bytes.fromhex(part[name]) for name in names]


def chains(v):
    (group, epoch, add, leaf), c = read(v, "group", "epoch", "add", "reader"), v["chains"]
    eps, late = read(c, "eps", "late_seed")
    first = derive(epoch, eps, "sotto/group-chain/1", 64, leaf)
    second = derive(add, late, "sotto/group-late/1", 64, epoch, leaf)
    tags = [keystream(first[32:], ZERO, n // 4, 64)[n % 4 * 16:][:16].hex() for n in c["numbers"]]
    return {"commit": H(b"sotto/group-commit/1", eps).hex(), "covered": (first + u(0, 4)).hex(), "late": (second + u(0, 4)).hex(), "tags": tags}


def mask(v):
    key, random, plain = read(v["mask"], "secret", "random", "plain")
    tag = derive(random, key, "sotto/group-mask-tag/1", 16)
    k, nonce = key_nonce(derive(random, key, "sotto/group-mask/1", 44))
    return {"tag": tag.hex(), "sealed": seal(k, nonce, ad0(tag, random), plain).hex()}


def authority(v):
    a = v["authority"]
    seed = hashlib.pbkdf2_hmac("sha512", a["phrase"].encode(), b"mnemonic", 2048)
    key, (deputy,) = derive(b"", seed, "sotto/group-authority/1", 32), read(a, "deputy_private")
    return {"key": public(key).hex(), "deputy": public(deputy).hex(), "cert": sign(key, "sotto/group-deputy/1", public(deputy)).hex()}


def binding(v):
    (group, issuer, reader), (identity, x, leaf) = read(v, "group", "issuer", "reader"), read(v["binding"], "identity_private", "x_private", "leaf_bytes")
    key = derive(b"", x25519(identity, x25519(x)), "sotto/group-bind/1", 32)
    return {"identity": x25519(identity).hex(), "x": x25519(x).hex(), "proof": mac(key, group + issuer + reader + H(leaf))[:16].hex()}


def messages(v):
    m, (group, epoch, leaf) = v["messages"], read(v, "group", "epoch", "reader")
    vk, key, x = read(m, "leaf_private", "epoch_private", "x_private")
    place, before = group + epoch + leaf, bytes.fromhex(m["before"])
    opening = public(key) + x25519(x) + sign(vk, "sotto/group-epoch-key/1", place, public(key), x25519(x)) + before
    chain = bytes.fromhex(chains(v)["covered"])
    ck, tk, run, texts = chain[:32], chain[32:64], H(b"sotto/group-run/1", place), []
    for n, text in enumerate(m["texts"]):
        random, inner = read(text, "random", "inner")
        mk, ck = mac(ck, b"\1"), mac(ck, b"\2")
        tag, first = keystream(tk, ZERO, 0, 16 * n + 16)[-16:], opening if n == 0 else b""
        sig = sign(key, "sotto/group-message/1", place, u(n, 4), run, H(first), H(inner))
        plain = sig + run + u(len(first), 1) + first + inner + b"\x80"
        plain += bytes(text["room"] + 1 - len(plain))
        k, nonce = key_nonce(derive(random, mk, "sotto/group-message-key/1", 44))
        run = H(b"sotto/group-run/1", run, H(inner))
        texts.append({"tag": tag.hex(), "body": seal(k, nonce, ad0(tag, random) + place + u(n, 4), plain).hex(), "run": run.hex()})
    return {"leaf": public(vk).hex(), "opening": opening.hex(), "texts": texts, "after": (ck + tk + u(len(texts), 4)).hex()}


def pair(v):
    p, (group, epoch, issuer, reader) = v["pair"], read(v, "group", "epoch", "issuer", "reader")
    xi, xm, e, kem, m = read(p, "issuer_private", "reader_private", "e_private", "kem_seed", "encapsulation")
    eps, head, whisper_head, said = read(p, "eps", "head", "whisper_head", "said")
    ek = kem_public(kem)
    ct, ss = encapsulate(ek, m)
    t = tagged("sotto/group-pair/1", group, issuer, reader, x25519(e), x25519(xi), x25519(xm), H(ek), ct)
    both = x25519(e, x25519(xm))
    q = derive(t, x25519(xi, x25519(xm)) + both + ss, "sotto/group-pair-key/1", 32)
    item = derive(x25519(e), q + both, "sotto/group-box/1", 40, group, epoch, issuer, reader)
    whisper = derive(x25519(e), q + both, "sotto/group-whisper/1", 40, group, issuer, reader)
    return {"ek": ek.hex(), "ciphertext": ct.hex(), "key": q.hex(), "next": (derive(b"", q, "sotto/group-pair-next/1", 32) + u(p["k"] + 1, 4)).hex(),
            "item_tag": item[32:].hex(), "item": seal(item[:32], ZERO, head, eps).hex(),
            "whisper_tag": whisper[32:].hex(), "whisper": seal(whisper[:32], ZERO, whisper_head, said).hex()}


def made(v):
    return {"chains": chains(v), "mask": mask(v), "authority": authority(v), "binding": binding(v), "messages": messages(v), "pair": pair(v)}
