"""Derives every value of tests/vectors/sealing-v1.json again, with other implementations than the
program's own: those of `primitives.py`. Nothing is compared with a copy of itself: every value follows
from the inputs in the file.
"""

import hashlib
import json
import pathlib
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from primitives import (
    VERSION, commitment, derive, hpke_derive_private, hpke_open, info, key_id, once, open_box, pad,
    x25519_public, xchacha_open,
)  # fmt: skip

VECTORS = pathlib.Path(__file__).parent.parent / "vectors" / "sealing-v1.json"


def ed25519_public(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def open_sealed(key, nonce, context, aad, sealed):
    return xchacha_open(once(key, nonce, "entry", context), nonce, aad, sealed)


def row_bound(org, row, wrap_len):
    """`[version, [org, row without its wrap]]`; a wrap is the last field, with a 2-byte head."""
    assert row[:2] == bytes([0x82, VERSION])
    bare = row[2 : -(wrap_len + 2)] + b"\x40"
    return info("key row", bytes([0x82, VERSION, 0x82, 0x50]) + org + bare)


def main():
    raw = json.loads(VECTORS.read_text())
    v = {k: bytes.fromhex(x) for k, x in raw.items() if k != "root_words"}

    assert key_id(v["key"]) == v["key_id"]

    assert commitment(v["key"], v["entry_nonce"]) == v["entry_commitment"]
    context = v["entry_incarnation"] + v["entry_sequence"]
    entry = lambda aad: open_sealed(v["key"], v["entry_nonce"], context, aad, v["entry_body"])
    assert entry(v["entry_associated_data"]) == pad(v["entry_plain"])
    assert v["entry_commitment"] in v["entry_associated_data"]
    try:
        entry(v["entry_associated_data"] + b"\0")
        sys.exit("another header opened the body")
    except InvalidTag:
        pass

    assert v["blob"][0] == VERSION
    plain = open_box(
        v["key"],
        "blob",
        v["blob_usage"],
        bytes([VERSION]) + v["blob_associated_data"],
        v["blob"][1:],
    )
    assert plain == v["blob_plain"]

    root = bytes(32)
    assert raw["root_words"] == "abandon " * 23 + "art"
    assert hashlib.sha256(root).digest()[0] == 102, "the word list has `art` at 102"
    assert ed25519_public(derive(root, "root signing key")) == v["root_signing_public"]
    recovery = hpke_derive_private(derive(root, "recovery key"))
    assert x25519_public(recovery) == v["recovery_public"]
    assert x25519_public(v["recovery_secret"]) == v["recovery_public"]

    context = v["join_org"] + v["join_invite"]
    seed = derive(v["join_secret"], "join signing key", context)
    assert ed25519_public(seed) == v["join_signing_public"]

    def hpke_row(secret, row):
        return hpke_open(secret, row_bound(v["join_org"], row, 80), row[-80:])

    role_key = hpke_row(v["seat_secret"], v["row_to_seat"])
    assert hpke_row(recovery, v["row_to_recovery"]) == role_key
    assert key_id(role_key) in v["row_to_seat"]
    row = v["row_compartment"]
    bound = row_bound(v["join_org"], row, 104)
    compartment = open_box(role_key, "key row", b"", bound, row[-104:])
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
    subject = open_box(v["clinical_key"], "key row", b"", bound, row[-104:])
    assert key_id(subject) == v["card_key_id"]
    # Kind 2, key id, subject, compartment 4, epoch 0, under.
    bare = bytes([0x82, VERSION, 0x87, 2, 0x50]) + v["card_key_id"] + b"\x50" + v["card_subject"]
    assert row[:-106] == bare + b"\x04\x00\x50" + key_id(v["clinical_key"])
    context = v["entry_incarnation"] + v["entry_sequence"]
    card = lambda key: open_sealed(
        key,
        v["card_nonce"],
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
