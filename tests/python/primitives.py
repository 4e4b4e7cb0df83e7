"""The primitives of docs/design/sealing.md and protocol.md, from other libraries than the program's.

HMAC and SHA-256 come from Python, ChaCha20-Poly1305 and X25519 from `cryptography`, Argon2id from
`argon2-cffi`, BLAKE3 from `blake3`. HChaCha20 (draft-irtf-cfrg-xchacha), HPKE (RFC 9180) and
Edwards points (RFC 8032) are written out here, because checks need what no library hands out: a
shared secret of zero, points of low order, a signature that is not reduced.
"""

import hashlib
import hmac
import struct

import argon2.low_level
import blake3
import cbor2
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# --- derivation and symmetric sealing -------------------------------------------------------------


def made(name, length=32):
    """Bytes that look random and are the same each time."""
    return blake3.blake3(name.encode()).digest(length=length)


def extract(salt, key):
    return hmac.new(salt or bytes(32), key, hashlib.sha256).digest()


def expand(extracted, bound, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(extracted, block + bound + bytes([counter]), hashlib.sha256).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def info(domain, context=b""):
    return b"daybook/1 " + domain.encode() + b"\0" + context


def derive(secret, domain, context=b"", length=32):
    return expand(extract(b"", secret), info(domain, context), length)


def key_id(key):
    return derive(key, "key id", length=16)


def commitment(key, nonce):
    return expand(extract(nonce, key), info("commitment"), 32)


def once(key, nonce, domain, context=b""):
    return expand(extract(nonce, key), info(domain, context), 32)


def hchacha20(key, nonce):
    state = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key))
    state += struct.unpack("<4I", nonce)

    def quarter(a, b, c, d):
        for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            mixed = state[z] ^ state[x]
            state[z] = ((mixed << bits) | (mixed >> (32 - bits))) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *(state[:4] + state[12:]))


def inner(key, nonce):
    """Key and nonce of the ChaCha20-Poly1305 under an XChaCha20-Poly1305."""
    return hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]


def xchacha_seal(key, nonce, aad, plain):
    key, nonce = inner(key, nonce)
    return ChaCha20Poly1305(key).encrypt(nonce, plain, aad)


def xchacha_open(key, nonce, aad, sealed):
    key, nonce = inner(key, nonce)
    return ChaCha20Poly1305(key).decrypt(nonce, sealed, aad)


class WrongKey(Exception):
    pass


def seal_box(name, key, domain, context, aad, plain):
    nonce = made("nonce " + name, 24)
    sealed = xchacha_seal(once(key, nonce, domain, context), nonce, aad, plain)
    return nonce + commitment(key, nonce) + sealed


def open_box(key, domain, context, aad, sealed):
    nonce, committed, ciphertext = sealed[:24], sealed[24:56], sealed[56:]
    if committed != commitment(key, nonce):
        raise WrongKey
    return xchacha_open(once(key, nonce, domain, context), nonce, aad, ciphertext)


def pad(plain):
    length = len(plain) + 1
    if length <= 1024:
        padded = -(-length // 64) * 64
    else:
        exponent = length.bit_length() - 1
        step = 1 << (exponent - exponent.bit_length())
        padded = -(-length // step) * step
    return plain + b"\x80" + bytes(padded - length)


def stretch(passphrase, cost, salt):
    memory, passes, lanes = cost
    return argon2.low_level.hash_secret_raw(
        passphrase.encode(), salt, time_cost=passes, memory_cost=memory, parallelism=lanes,
        hash_len=32, type=argon2.low_level.Type.ID, version=19,
    )  # fmt: skip


VERSION = 1


def versioned(value):
    return cbor2.dumps([VERSION, value])


# --- HPKE: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, base mode -------------------

KEM = b"KEM" + struct.pack(">H", 0x0020)
SUITE = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0003)


def labeled_extract(suite, salt, label, key):
    return extract(salt, b"HPKE-v1" + suite + label + key)


def labeled_expand(suite, extracted, label, context, length):
    labeled = struct.pack(">H", length) + b"HPKE-v1" + suite + label + context
    return expand(extracted, labeled, length)


def x25519_public(secret):
    key = X25519PrivateKey.from_private_bytes(secret).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def x25519(secret, public):
    """The shared secret; `cryptography` refuses points that give zero."""
    private = X25519PrivateKey.from_private_bytes(secret)
    return private.exchange(X25519PublicKey.from_public_bytes(public))


def hpke_derive_private(material):
    extracted = labeled_extract(KEM, b"", b"dkp_prk", material)
    return labeled_expand(KEM, extracted, b"sk", b"", 32)


def hpke_cipher(shared, encapped, public, bound):
    eae = labeled_extract(KEM, b"", b"eae_prk", shared)
    shared = labeled_expand(KEM, eae, b"shared_secret", encapped + public, 32)
    psk_id = labeled_extract(SUITE, b"", b"psk_id_hash", b"")
    schedule = b"\0" + psk_id + labeled_extract(SUITE, b"", b"info_hash", bound)
    secret = labeled_extract(SUITE, shared, b"secret", b"")
    key = labeled_expand(SUITE, secret, b"key", schedule, 32)
    return ChaCha20Poly1305(key), labeled_expand(SUITE, secret, b"base_nonce", schedule, 12)


def hpke_seal(name, public, bound, plain):
    ephemeral = made("ephemeral " + name)
    encapped = x25519_public(ephemeral)
    cipher, nonce = hpke_cipher(x25519(ephemeral, public), encapped, public, bound)
    return encapped + cipher.encrypt(nonce, plain, b"")


def hpke_open(secret, bound, sealed):
    encapped = sealed[:32]
    cipher, nonce = hpke_cipher(x25519(secret, encapped), encapped, x25519_public(secret), bound)
    return cipher.decrypt(nonce, sealed[32:], b"")


# --- Ed25519: points, and signatures of every bad kind -------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def add(p, q):
    (x1, y1), (x2, y2) = p, q
    k = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P
    return x, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P


def times(scalar, point):
    out = (0, 1)
    while scalar:
        if scalar & 1:
            out = add(out, point)
        point, scalar = add(point, point), scalar >> 1
    return out


def square_root_x(y, odd):
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * SQRT_M1 % P
    if v * x * x % P != u:
        return None
    return -x % P if x & 1 != odd else x


BASE = (square_root_x(4 * pow(5, P - 2, P) % P, 0), 4 * pow(5, P - 2, P) % P)


def encoded(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decoded(raw):
    """The point; none if it is no point or not spelled in the one way."""
    number = int.from_bytes(raw, "little")
    y, odd = number & (2**255 - 1), number >> 255
    x = square_root_x(y % P, odd)
    if y >= P or x is None or (x == 0 and odd):
        return None
    return x, y


def is_small(point):
    return times(8, point) == (0, 1)


def challenge(r, public, message):
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L


def verifies(public, message, signature):
    """Strictly: canonical, cofactorless, nothing of low order, S reduced."""
    key, r = decoded(public), decoded(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or is_small(key) or is_small(r) or s >= L:
        return False
    return times(s, BASE) == add(r, times(challenge(signature[:32], public, message), key))


def small_points():
    """All eight points whose order divides 8."""
    # 8 is the cofactor: L times any point lands among them.
    for y in range(2, 100):
        x = square_root_x(y, 0)
        if x is not None:
            generator = times(L, (x, y))
            if times(4, generator) != (0, 1):
                return [times(n, generator) for n in range(8)]
    raise AssertionError("no generator found")


def secret_scalar(seed):
    h = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return (h & ((1 << 254) - 8)) | (1 << 254)
