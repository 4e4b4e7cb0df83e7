"""What the second implementation writes, and opens of what the program wrote.

`tests/vectors/made-v1.json` is written here and read by the tests of client-core (`made.rs`): both
must agree on what opens and on the name of every refusal. Run with `--write` after a change of the
draft; without it the file must be what this program writes, byte for byte, and every statement in
it must hold here too.
"""

import json
import pathlib
import sys

import cbor2
import mnemonic
from cryptography.exceptions import InvalidTag

import check_vectors
import made_protocol
import made_sealing
from primitives import (
    WrongKey, commitment, decoded, hpke_derive_private, derive, hpke_open, info, is_small, key_id, made,
    once, open_box, stretch, verifies, versioned, x25519_public, xchacha_open,
)  # fmt: skip

HERE = pathlib.Path(__file__).parent.parent / "vectors"


def plain(value):
    """For JSON: bytes in hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def everything():
    low = made_sealing.low_order_keys()
    return {
        "format": "tests/python/check_made.py writes this; client-core/tests/made.rs reads it",
        "truncations": made_protocol.truncations(),
        "bounds": made_protocol.bounds(),
        "feed": made_protocol.feed(),
        "governance": made_protocol.governance(low),
        "signatures": made_protocol.strictness(),
        "low order": low,
        "bodies": made_sealing.bodies(),
        "table": made_sealing.table(),
        "key files": made_sealing.key_files(),
        "words": made_sealing.words(),
        "join codes": made_sealing.join_codes(),
    }


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def refused(call):
    try:
        call()
    except check_vectors.Refused as error:
        return str(error)
    return None


# --- the statements, checked with this implementation's own reader -------------------------------


def check_protocol(made):
    whole = made["truncations"]["bytes"]
    check_vectors.read_entry(whole)
    for length in range(len(whole)):
        cut = whole[:length]
        expect(f"the first {length} bytes", refused(lambda: check_vectors.read_entry(cut)), "Truncated")
    for case in made["bounds"]:
        raw = case["bytes"]
        expect(case["name"], refused(lambda: check_vectors.read_entry(raw)), case["error"])
    chain = check_vectors.Chain(cbor2.loads(made["governance"]["acts"][0]["bytes"]))
    for act in made["governance"]["acts"][1:]:
        chain.apply(check_vectors.read(act["bytes"], check_vectors.SIGNED))
        expect("an act", chain.hashes[-1], act["hash"])
    for case in made["governance"]["bad"]:
        one = check_vectors.read(case["bytes"], check_vectors.SIGNED)
        expect(case["name"], refused(lambda: chain.apply(one)), case["error"])
    for case in made["signatures"]:
        statement, signature = cbor2.loads(case["bytes"])
        message = b"daybook/1/head\0" + statement
        expect(case["name"], verifies(case["key"], message, signature), case["good"])
        point = decoded(case["key"])
        expect(case["name"], refused(lambda: check_vectors.strong(case["key"])),
               "Key" if point is None or is_small(point) else None)  # fmt: skip
    for key in made["low order"]:
        expect("a key of low order", refused(lambda: check_vectors.strong_seal_key(key)), "Key")


def opened(key, raw):
    """The name of the error, or the text."""
    wire = cbor2.loads(raw)
    fields = cbor2.loads(wire[0])[1]
    suite, nonce, committed = fields[11]
    if suite:
        return "UnknownVersion"
    if committed != commitment(key, nonce):
        return "WrongKey"
    cipher_key = once(key, nonce, "entry", made_sealing.entry_context(fields))
    try:
        padded = xchacha_open(cipher_key, nonce, made_protocol.associated(fields), wire[2])
    except (InvalidTag, ValueError):
        return "Damaged"
    text = padded.rstrip(b"\0")
    if text[-1:] != b"\x80" or made_sealing.pad(text[:-1]) != padded:
        return "Damaged"
    return text[:-1]


def check_bodies(bodies):
    for case in bodies["good"]:
        expect("a body", opened(bodies["key"], case["bytes"]), case["plain"])
    for case in bodies["flipped"]:
        expect(case["name"], opened(bodies["key"], case["bytes"]), case["error"])
    both = bodies["two keys"]
    wire = cbor2.loads(both["bytes"])
    fields = cbor2.loads(wire[0])[1]
    for name in ("first", "second"):
        # Without a commitment either key would open it.
        cipher_key = once(both[name], fields[11][1], "entry", made_sealing.entry_context(fields))
        xchacha_open(cipher_key, fields[11][1], made_protocol.associated(fields), wire[2])
    expect("the first key", type(opened(both["first"], both["bytes"])), bytes)
    expect("the second key", opened(both["second"], both["bytes"]), "WrongKey")


def out_of_envelope(raw, secret):
    """The key file in an envelope of the system's keystore, as it would lie there without one."""
    content = cbor2.loads(raw[9:-32])
    if made_sealing.framed(cbor2.dumps(content), 2) != raw:
        return "Damaged"
    org, name, recovery, wrap, sealed = content
    if secret is None:
        return "NeedsKeystore"
    bound = made_sealing.info("key file keystore", versioned([org, name, recovery]))
    try:
        inner = open_box(secret, "key file keystore", name, bound + wrap, sealed)
    except WrongKey:
        return "WrongKeystore"
    except InvalidTag:
        return "Damaged"
    if inner[0] > 1:
        return "NewerVersion"
    if inner[0] < 1:
        return "Damaged"
    return made_sealing.framed(inner[1:])


def check_kept(files):
    for case in files["kept"]:
        got = out_of_envelope(case["bytes"], case["keystore"])
        if case["error"]:
            expect(case["name"], got, case["error"])
        else:
            expect(case["name"], got, files["cases"][0]["bytes"])
            _, _, recovery, wrap, _ = cbor2.loads(case["bytes"][9:-32])
            bound = versioned([files["org"], made_sealing.made("keystore name", 16), recovery])
            secret = hpke_derive_private(derive(files["recovery root"], "recovery key"))
            bound = made_sealing.info("key file keystore", bound)
            expect("by the words", hpke_open(secret, bound, wrap), case["keystore"])


def open_key_file(raw, passphrase, pins):
    """`[device seed, local key, {seat: keys}]`, by the page on sealing alone."""
    if raw[:8] != b"daybook\0" or made_sealing.framed(raw[9:-32], raw[8]) != raw:
        return "Damaged"
    if raw[8] > 1:
        return "NewerVersion"
    org, slots, sealed, parts = cbor2.loads(raw[9:-32])
    if cbor2.dumps([org, slots, sealed, parts]) != raw[9:-32] or any(slot[0] == 3 for slot in slots):
        return "Damaged"

    def too_dear(cost):
        floor, ceiling = (19 * 1024, 2, 1), (1024 * 1024, 16, 8)
        return any(not low <= one <= high for one, low, high in zip(cost, floor, ceiling))

    def by_slot(slot, whose, key):
        return open_box(key, "key file slot", b"", made_sealing.slot_bound(whose, slot), slot[-1])

    phrase = next(slot for slot in slots if slot[0] == 0)
    if too_dear(phrase[1]):
        return "Cost"
    stretched = stretch(passphrase, phrase[1], phrase[2])
    try:
        master = by_slot(phrase, [org], stretched)
    except WrongKey:
        return "WrongPassphrase"
    except InvalidTag:
        return "Damaged"
    try:
        plain = open_box(master, "key file secrets", b"", versioned([org, slots, parts]), sealed)
    except (WrongKey, InvalidTag):
        return "Damaged"
    known = {seat: (name, tries) for seat, name, tries in cbor2.loads(plain[96:])[1][0]}
    found = {}
    for seat, own, box in parts:
        for slot in own:
            try:
                if slot[0] == 0 and slot[2] == phrase[2]:
                    key = stretched
                elif slot[0] == 3 and seat in pins:
                    if known[seat][1] >= 5:
                        found[seat] = "PinLocked"
                        continue
                    if too_dear(slot[1]):
                        found[seat] = "Cost"
                        continue
                    key = derive(stretch(pins[seat], slot[1], slot[2]) + plain[64:96], "key file PIN", seat)
                else:
                    continue
                part = by_slot(slot, [org, seat], key)
            except WrongKey:
                found[seat] = "WrongPin"
                continue
            keys = open_box(part, "key file seat", seat, versioned([org, seat, own]), box)
            found[seat] = [keys[:32], keys[32:64], keys[64:]]
    return [plain[:32], plain[32:64], found, known]


def check_key_files(files):
    for case in files["cases"]:
        if case["bytes"] and len(case["bytes"]) > 41:
            got = open_key_file(case["bytes"], case["passphrase"], {files["ben"]: case["pin"]})
        else:
            got = "Damaged"
        if case["error"]:
            # Slots that were taken away leave no passphrase's master for the sealed part.
            expect(case["name"], got, case["error"])
            continue
        expect(case["name"], got[:2], [files["device signs"], files["local"]])
        expect(case["name"], got[2][files["anna"]][:2], [files["anna signs"], files["anna opens"]])
        ben = got[2][files["ben"]]
        expect(case["name"], ben if case["pin error"] else ben[:2],
               case["pin error"] or [files["ben signs"], files["ben opens"]])  # fmt: skip
    # Any of the master keys also opens by the recovery words.
    org, slots, sealed, parts = cbor2.loads(files["cases"][0]["bytes"][9:-32])
    secret = hpke_derive_private(derive(files["recovery root"], "recovery key"))
    master = hpke_open(secret, made_sealing.slot_bound([org], slots[0]), slots[0][2])
    open_box(master, "key file secrets", b"", versioned([org, slots, parts]), sealed)


def check_words(words):
    maker = mnemonic.Mnemonic("english")
    for case in words["good"]:
        expect("words", bytes(maker.to_entropy(case["words"])), case["secret"])
    for case in words["bad"]:
        expect(case["name"], maker.check(case["words"]), False)


def check_program_wrote():
    """The key file that the program wrote, opened by its passphrase and its PIN."""
    wrote = json.loads((HERE / "key-file-v1.json").read_text())
    raw, seats = bytes.fromhex(wrote["bytes"]), wrote["seats"]
    pins = {bytes.fromhex(seat["id"]): seat["pin"] for seat in seats if "pin" in seat}
    got = open_key_file(raw, wrote["passphrase"], pins)
    expect("the device", [got[0].hex(), got[1].hex()], [wrote["device"], wrote["local"]])
    for seat in seats:
        keys = got[2][bytes.fromhex(seat["id"])]
        expect(seat["name"], [keys[0].hex(), keys[1].hex()], [seat["signing"], seat["sealing"]])
        expect(seat["name"], got[3][bytes.fromhex(seat["id"])][0], seat["name"])
    expect("a wrong passphrase", open_key_file(raw, wrote["passphrase"] + " ", pins), "WrongPassphrase")
    kept = json.loads((HERE / "key-file-v2.json").read_text())
    inner = out_of_envelope(bytes.fromhex(kept["bytes"]), bytes.fromhex(kept["keystore"]))
    got = open_key_file(inner, kept["passphrase"], pins)
    expect("behind the keystore", [got[0].hex(), got[1].hex()], [kept["device"], kept["local"]])
    return 3 + len(seats)


def main():
    made = everything()
    text = json.dumps(plain(made), indent=1, ensure_ascii=False) + "\n"
    path = HERE / "made-v1.json"
    if "--write" in sys.argv:
        path.write_text(text)
    check_protocol(made)
    check_bodies(made["bodies"])
    check_key_files(made["key files"])
    check_kept(made["key files"])
    check_words(made["words"])
    if path.read_text() != text:
        sys.exit("made-v1.json is not what this program writes: run with --write")
    opened_of_program = check_program_wrote()
    counted = sum(len(made[part]) for part in ("bounds", "signatures", "low order"))
    counted += sum(len(made["governance"][part]) for part in ("acts", "bad"))
    counted += sum(len(made["bodies"][part]) for part in ("good", "flipped"))
    counted += len(made["table"]["entries"]) + len(made["table"]["bad rows"])
    counted += len(made["key files"]["cases"]) + len(made["key files"]["kept"])
    counted += sum(map(len, made["words"].values()))
    counted += len(made["join codes"]["good"]) + len(made["join codes"]["bad"]) + opened_of_program
    print(f"{counted} vectors agree")


if __name__ == "__main__":
    main()
