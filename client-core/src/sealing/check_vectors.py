"""Checks vectors.json with other implementations than the program's own.

HKDF, ChaCha20-Poly1305, X25519 and Ed25519 come from `cryptography`; HChaCha20, HPKE and the
padding are written out here from RFC 8439, draft-irtf-cfrg-xchacha and RFC 9180. Nothing is
compared with a copy of itself: every value follows from the inputs in the file.

Run: python3 client-core/src/sealing/check_vectors.py
"""

import hashlib
import hmac
import json
import pathlib
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def extract(salt, key):
    return hmac.new(salt or bytes(32), key, hashlib.sha256).digest()


def expand(extracted, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(extracted, block + info + bytes([counter]), hashlib.sha256).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def info(domain, context=b""):
    return domain.encode() + b"\0" + context


def derive(secret, domain, context=b"", length=32):
    return expand(extract(b"", secret), info(domain, context), length)


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


def xchacha_open(key, nonce, aad, sealed):
    cipher = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    return cipher.decrypt(bytes(4) + nonce[16:], sealed, aad)


def commitment(key, nonce):
    return expand(extract(nonce, key), info("daybook/0 commitment"), 32)


def open_sealed(key, nonce, domain, context, aad, sealed):
    once = expand(extract(nonce, key), info(domain, context), 32)
    return xchacha_open(once, nonce, aad, sealed)


def open_box(key, domain, context, aad, sealed):
    nonce, committed, ciphertext = sealed[:24], sealed[24:56], sealed[56:]
    assert committed == commitment(key, nonce), "commitment"
    return open_sealed(key, nonce, domain, context, aad, ciphertext)


def hpke_labeled_extract(suite, salt, label, key):
    return extract(salt, b"HPKE-v1" + suite + label + key)


def hpke_labeled_expand(suite, extracted, label, context, length):
    labeled = struct.pack(">H", length) + b"HPKE-v1" + suite + label + context
    return expand(extracted, labeled, length)


KEM_SUITE = b"KEM" + struct.pack(">H", 0x0020)
HPKE_SUITE = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0003)


def x25519_public(secret):
    key = X25519PrivateKey.from_private_bytes(secret).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def hpke_derive_private(material):
    extracted = hpke_labeled_extract(KEM_SUITE, b"", b"dkp_prk", material)
    return hpke_labeled_expand(KEM_SUITE, extracted, b"sk", b"", 32)


def hpke_open(secret, bound, sealed):
    encapped, ciphertext = sealed[:32], sealed[32:]
    private = X25519PrivateKey.from_private_bytes(secret)
    shared = private.exchange(X25519PublicKey.from_public_bytes(encapped))
    eae = hpke_labeled_extract(KEM_SUITE, b"", b"eae_prk", shared)
    context = encapped + x25519_public(secret)
    shared = hpke_labeled_expand(KEM_SUITE, eae, b"shared_secret", context, 32)
    psk_id = hpke_labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"")
    bound = hpke_labeled_extract(HPKE_SUITE, b"", b"info_hash", bound)
    schedule = b"\0" + psk_id + bound
    secret = hpke_labeled_extract(HPKE_SUITE, shared, b"secret", b"")
    key = hpke_labeled_expand(HPKE_SUITE, secret, b"key", schedule, 32)
    nonce = hpke_labeled_expand(HPKE_SUITE, secret, b"base_nonce", schedule, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, b"")


def ed25519_public(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def pad(plain):
    length = len(plain) + 1
    if length <= 1024:
        padded = -(-length // 64) * 64
    else:
        exponent = length.bit_length() - 1
        step = 1 << (exponent - exponent.bit_length())
        padded = -(-length // step) * step
    return plain + b"\x80" + bytes(padded - length)


def row_bound(org, row, wrap_len):
    """`[version, [org, row without its wrap]]`; a wrap is the last field, with a 2-byte head."""
    assert row[:2] == b"\x82\x00"
    bare = row[2 : -(wrap_len + 2)] + b"\x40"
    return info("daybook/0 key row", b"\x82\x00\x82\x50" + org + bare)


def main():
    text = pathlib.Path(__file__).with_name("vectors.json").read_text()
    raw = json.loads(text)
    v = {k: bytes.fromhex(x) for k, x in raw.items() if k != "root_words"}
    key_id = lambda key: derive(key, "daybook/0 key id", length=16)

    assert key_id(v["key"]) == v["key_id"]

    assert commitment(v["key"], v["entry_nonce"]) == v["entry_commitment"]
    context = v["entry_incarnation"] + v["entry_sequence"]
    entry = lambda aad: open_sealed(
        v["key"], v["entry_nonce"], "daybook/0 entry", context, aad, v["entry_body"]
    )
    assert entry(v["entry_associated_data"]) == pad(v["entry_plain"])
    assert v["entry_commitment"] in v["entry_associated_data"]
    try:
        entry(v["entry_associated_data"] + b"\0")
        sys.exit("another header opened the body")
    except InvalidTag:
        pass

    assert v["blob"][0] == 0
    plain = open_box(
        v["key"],
        "daybook/0 blob",
        v["blob_usage"],
        b"\0" + v["blob_associated_data"],
        v["blob"][1:],
    )
    assert plain == v["blob_plain"]

    root = bytes(32)
    assert raw["root_words"] == "abandon " * 23 + "art"
    assert hashlib.sha256(root).digest()[0] == 102, "the word list has `art` at 102"
    assert ed25519_public(derive(root, "daybook/0 root signing key")) == v["root_signing_public"]
    recovery = hpke_derive_private(derive(root, "daybook/0 recovery key"))
    assert x25519_public(recovery) == v["recovery_public"]
    assert x25519_public(v["recovery_secret"]) == v["recovery_public"]

    context = v["join_org"] + v["join_invite"]
    seed = derive(v["join_secret"], "daybook/0 join signing key", context)
    assert ed25519_public(seed) == v["join_signing_public"]

    def hpke_row(secret, row):
        return hpke_open(secret, row_bound(v["join_org"], row, 80), row[-80:])

    role_key = hpke_row(v["seat_secret"], v["row_to_seat"])
    assert hpke_row(recovery, v["row_to_recovery"]) == role_key
    assert key_id(role_key) in v["row_to_seat"]
    row = v["row_compartment"]
    bound = row_bound(v["join_org"], row, 104)
    compartment = open_box(role_key, "daybook/0 key row", b"", bound, row[-104:])
    assert compartment == v["compartment_key"]
    assert key_id(compartment) in row and key_id(role_key) in row

    # The table of docs/design/sealing.md, written out here once more.
    owner, manager, vet, groomer, receptionist, gateway = range(6)
    staff = (owner, manager, vet, groomer, receptionist)
    reads = {
        0: staff,  # practice
        1: staff,  # visits
        2: staff,  # contact
        3: staff,  # handling
        4: (owner, vet),  # clinical
        5: staff,  # grooming
        6: (owner, manager, receptionist),  # payments
    }
    pairs = lambda table: b"".join(bytes(pair) for pair in sorted(table))
    readers = [(compartment, role) for compartment, roles in reads.items() for role in roles]
    assert v["compartment_readers"] == pairs(readers)
    # Owners admit everybody, managers those below; a key is handed on to who reads as much.
    admits = {owner: range(6), manager: (vet, groomer, receptionist, gateway)}
    handed = [
        (role, holder)
        for holder, roles in admits.items()
        for role in roles
        if role != holder
        and all(holder in roles or role not in roles for roles in reads.values())
    ]
    assert v["roles_handed_on"] == pairs(handed)
    assert (vet, manager) not in handed

    row = v["row_subject"]
    bound = row_bound(v["join_org"], row, 104)
    subject = open_box(v["clinical_key"], "daybook/0 key row", b"", bound, row[-104:])
    assert key_id(subject) == v["card_key_id"]
    # Kind 2, key id, subject, compartment 4, epoch 0, under.
    bare = b"\x82\x00\x87\x02\x50" + v["card_key_id"] + b"\x50" + v["card_subject"]
    assert row[:-106] == bare + b"\x04\x00\x50" + key_id(v["clinical_key"])
    context = v["entry_incarnation"] + v["entry_sequence"]
    card = lambda key: open_sealed(
        key,
        v["card_nonce"],
        "daybook/0 entry",
        context,
        v["card_associated_data"],
        v["card_body"],
    )
    assert card(subject) == pad(v["card_plain"])
    assert commitment(subject, v["card_nonce"]) in v["card_associated_data"]
    assert v["card_key_id"] in v["card_associated_data"]
    try:
        card(v["compartment_key"])
        sys.exit("the key of another compartment opened a clinical card")
    except InvalidTag:
        pass
    print(f"{len(raw)} vectors agree")


if __name__ == "__main__":
    main()
