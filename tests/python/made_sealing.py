"""Sealed bodies, key tables, key files, words and join codes, written by this implementation."""

import base64

import blake3
import cbor2
import mnemonic

from made_protocol import (
    CLINICAL, ORG, associated, entry, header, ident, public, seal_secret, sign, signing,
)  # fmt: skip
from primitives import (
    P, WrongKey, commitment, hpke_cipher, hpke_derive_private, hpke_seal, derive, info, inner,
    key_id, made, once, pad, seal_box, stretch, versioned, x25519_public, xchacha_seal,
)  # fmt: skip

# --- bodies --------------------------------------------------------------------------------------


def entry_context(fields):
    return fields[6] + fields[7].to_bytes(8, "big")


def sealed_entry(name, key, plain, feed=CLINICAL, named=None, sequence=7):
    nonce = made("nonce " + name, 24)
    seal = [0, nonce, commitment(key, nonce)]
    fields = header(feed, named or key_id(key), seal, sequence)
    cipher_key = once(key, nonce, "entry", entry_context(fields))
    return fields, xchacha_seal(cipher_key, nonce, associated(fields), pad(plain))


def bodies():
    key = made("compartment key")
    plains = [b"", b"x" * 63, b"x" * 64, "Hündin, läuft unrund".encode(), b"\x80\0\0", bytes(1023)]
    plains += [bytes(1024), b"y" * 47_103]
    good = []
    for at, plain in enumerate(plains):
        fields, body = sealed_entry(f"plain {at}", key, plain)
        good.append({"bytes": cbor2.dumps(entry(fields, body)), "plain": plain})
    fields, body = sealed_entry("flip", key, b"Rex limps on the left")
    flips = []

    def flip(name, change, error, sealed=body):
        other = [x if not isinstance(x, list) else list(x) for x in fields]
        change(other)
        raw = cbor2.dumps(entry(other, sealed))
        flips.append({"name": name, "bytes": raw, "error": error})

    def put(at, value, inside=None):
        def change(other):
            if inside is None:
                other[at] = value
            else:
                other[at][inside] = value

        return change

    turned = lambda raw: bytes([raw[0] ^ 1]) + raw[1:]
    flip("organisation", put(0, turned(ORG)), "Damaged")
    flip("feed", put(1, [9]), "Damaged")
    flip("feed with a site", put(1, [5, ident("site")]), "Damaged")
    flip("document", put(2, turned(fields[2])), "Damaged")
    flip("key", put(3, turned(fields[3])), "Damaged")
    flip("device", put(4, turned(fields[4])), "Damaged")
    flip("seat", put(5, turned(fields[5])), "Damaged")
    flip("incarnation", put(6, turned(fields[6])), "Damaged")
    flip("sequence", put(7, fields[7] ^ 1), "Damaged")
    flip("previous entry", put(8, turned(fields[8])), "Damaged")
    flip("governance height", put(9, 2, 0), "Damaged")
    flip("governance head", put(9, turned(fields[9][1]), 1), "Damaged")
    flip("seen epoch", put(10, 0, 0), "Damaged")
    flip("seen sequence", put(10, 8, 1), "Damaged")
    flip("seen chain", put(10, turned(fields[10][2]), 2), "Damaged")
    flip("nothing seen", put(10, None), "Damaged")
    flip("suite", put(11, 1, 0), "UnknownVersion")
    flip("nonce", put(11, turned(fields[11][1]), 1), "WrongKey")
    flip("commitment", put(11, turned(fields[11][2]), 2), "WrongKey")
    for at in (0, len(body) // 2, len(body) - 17, len(body) - 16, len(body) - 1):
        spoiled = body[:at] + bytes([body[at] ^ 0x40]) + body[at + 1 :]
        flip(f"byte {at} of the body", lambda other: None, "Damaged", spoiled)
    for length in (0, 15, 16, len(body) - 1):
        flip(f"{length} bytes of the body", lambda other: None, "Damaged", body[:length])
    flip("one byte more", lambda other: None, "Damaged", body + b"\0")
    # The right key, and padding that nobody writes.
    nonce = fields[11][1]
    cipher_key = once(key, nonce, "entry", entry_context(fields))
    for name, padded in {
        "no padding": b"x" * 64, "padding of zeros": bytes(64), "an odd length": b"x\x80" + bytes(61),
        "a step too many": b"x\x80" + bytes(126), "nothing inside": b"",
    }.items():  # fmt: skip
        flip(name, lambda other: None, "Damaged", xchacha_seal(cipher_key, nonce, associated(fields), padded))
    unsigned = entry(fields, body)
    twisted = bytearray(unsigned[0])
    twisted[-1] ^= 1
    return {
        "key": key,
        "author": public("anna"),
        "good": good,
        "flipped": flips,
        "hash flipped": cbor2.dumps([bytes(twisted), unsigned[1], body]),
        "body swapped": cbor2.dumps([*unsigned[:2], turned(body)]),
        "purged": cbor2.dumps(unsigned[:2]),
        "two keys": two_keys(),
    }


def two_keys():
    """One ciphertext whose tag is right under two keys: only the commitment tells them apart."""
    first, second = made("compartment key"), made("second key")
    nonce = made("nonce two keys", 24)
    fields = header(CLINICAL, key_id(first), [0, nonce, commitment(first, nonce)])
    aad = associated(fields)
    # The first two blocks are free, the rest decrypts to padding under the first key.
    halves = []
    for key in (first, second):
        sub, short = inner(once(key, nonce, "entry", entry_context(fields)), nonce)
        halves.append((sub, short, poly1305_key(sub, short)))
    stream = xchacha_seal(once(first, nonce, "entry", entry_context(fields)), nonce, b"", bytes(64))[:64]
    wanted = b"z" * 6 + b"\x80" + bytes(25)
    rest = bytes(a ^ b for a, b in zip(stream[32:], wanted))
    blocks = lambda raw: [raw[at : at + 16] for at in range(0, len(raw), 16)]
    ahead = blocks(aad + bytes(-len(aad) % 16))
    lengths = len(aad).to_bytes(8, "little") + (64).to_bytes(8, "little")
    behind = [*blocks(rest), lengths]
    number = lambda block: int.from_bytes(block, "little") + (1 << 128)

    def known(r):
        total = 0
        for block in ahead:
            total = (total + number(block)) * r % Q
        total = total * pow(r, 2 + len(behind), Q) % Q
        for at, block in enumerate(reversed(behind)):
            total += number(block) * pow(r, at + 1, Q)
        return total % Q

    (r1, s1), (r2, s2) = (half[2] for half in halves)
    for attempt in range(10_000):
        tag = int.from_bytes(made(f"tag {attempt}", 16), "little")
        # x * r^5 + y * r^4 = tag - s - known, for both keys.
        goal = [(tag - s) % (1 << 128) - known(r) for r, s in ((r1, s1), (r2, s2))]
        a, b, c, d = pow(r1, 5, Q), pow(r1, 4, Q), pow(r2, 5, Q), pow(r2, 4, Q)
        invert = pow(a * d - b * c, Q - 2, Q)
        x = (goal[0] * d - b * goal[1]) * invert % Q
        y = (a * goal[1] - goal[0] * c) * invert % Q
        if all(1 << 128 <= one < 1 << 129 for one in (x, y)):
            text = b"".join((one - (1 << 128)).to_bytes(16, "little") for one in (x, y)) + rest
            body = text + tag.to_bytes(16, "little")
            return {"first": first, "second": second, "bytes": cbor2.dumps(entry(fields, body))}
    raise AssertionError("no ciphertext for two keys")


Q = (1 << 130) - 5


def poly1305_key(key, nonce):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

    first = Cipher(algorithms.ChaCha20(key, bytes(4) + nonce), None).encryptor().update(bytes(32))
    r = int.from_bytes(first[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    return r, int.from_bytes(first[16:], "little")


# --- key tables ----------------------------------------------------------------------------------

OWNER, VET, GROOMER = 0, 2, 3


def low_order_keys():
    """Every spelling of a u-coordinate of low order that an X25519 takes without a word."""
    order_8 = [
        0xB8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
        0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    ]
    values = [0, 1, *order_8, P - 1, P, P + 1]
    return [(v | top << 255).to_bytes(32, "little") for v in values for top in (0, 1)]


def row_bound(bare):
    return info("key row", versioned([ORG, [*bare[:-1], b""]]))


def under(name, parent, bare, key):
    bare = [*bare, b""]
    return [*bare[:-1], seal_box("row " + name, parent, "key row", b"", row_bound(bare), key)]


def to_public(name, recipient, bare, key):
    bare = [*bare, b""]
    return [*bare[:-1], hpke_seal("row " + name, recipient, row_bound(bare), key)]


def table():
    """A vet and a groomer who leaves: what each opens before and after the rotation."""
    seats = {"anna": OWNER, "ben": VET, "cleo": GROOMER}
    roles = {(role, epoch): made(f"role {role} {epoch}") for role in (0, 2, 3) for epoch in (0, 1)}
    # Clinical stays: the groomer never held it.
    compartments = {(0, 0), (0, 1), (2, 0), (2, 1), (3, 0), (3, 1), (4, 0)}
    keys = {one: made("compartment {} {}".format(*one)) for one in compartments}
    readers = {0: (0, 2, 3), 2: (0, 2, 3), 3: (0, 2, 3), 4: (0, 2)}
    recovery_root = made("recovery root")
    recovery = hpke_derive_private(derive(recovery_root, "recovery key"))

    def rows(epoch, renewed, present):
        out = []
        for role in renewed:
            key = roles[role, epoch]
            bare = [0, key_id(key), role, epoch]
            if role == OWNER:
                to = x25519_public(recovery)
                out.append(to_public(f"recovery {epoch}", to, [*bare, [1]], key))
            if role != OWNER:
                parent = roles[OWNER, epoch]
                out.append(under(f"owner {role} {epoch}", parent, [*bare, [2, 0, key_id(parent)]], key))
            # Two or more seats of one role share a row of kind 3; the wraps are those of kind 0.
            mine = [name for name in present if seats[name] == role]
            public_of = lambda name: x25519_public(seal_secret(name))
            wraps = [
                [ident(name), to_public(f"{name} {epoch}", public_of(name), [*bare, [0, ident(name)]], key)[-1]]
                for name in mine
            ]  # fmt: skip
            if len(wraps) > 1:
                out.append([3, *bare[1:], wraps])
            else:
                out += [[*bare, [0, seat], wrap] for seat, wrap in wraps]
        for compartment, of in sorted(keys):
            if of == epoch:
                key = keys[compartment, of]
                for role in readers[compartment]:
                    parent = roles[role, epoch]
                    bare = [1, key_id(key), compartment, epoch, role, key_id(parent)]
                    out.append(under(f"{compartment} {role} {epoch}", parent, bare, key))
        return out

    seats["dora"] = VET
    founding = rows(0, (0, 2, 3), ("anna", "ben", "dora", "cleo"))
    # Vets keep their key of epoch 0 for clinical; the new compartment keys go to theirs of epoch 1.
    rotation = rows(1, (0, 2, 3), ("anna", "ben", "dora"))
    pet, subject = made("pet", 16), made("subject key")
    parent = keys[4, 0]
    bare = [2, key_id(subject), pet, 4, 0, key_id(parent)]
    card = under("card", parent, bare, subject)

    def sealed(name, key, feed):
        fields, body = sealed_entry("table " + name, key, name.encode(), feed)
        return cbor2.dumps(entry(fields, body))

    staff, later = ["anna", "ben", "cleo", "dora"], ["anna", "ben", "dora"]
    return {
        "org": ORG,
        "seats": [{"name": n, "id": ident(n), "role": r, "secret": seal_secret(n),
                   "signing": bytes(signing(n))} for n, r in seats.items()],
        "recovery root": recovery_root,
        "bodies": [{"author": "anna", "bytes": versioned(one)} for one in (founding, rotation)]
        + [{"author": "ben", "bytes": versioned([card])}],
        "entries": [
            {"bytes": sealed("before: practice", keys[0, 0], [3]), "opened by": staff},
            {"bytes": sealed("before: contact", keys[2, 0], [6]), "opened by": staff},
            {"bytes": sealed("before: clinical", keys[4, 0], CLINICAL), "opened by": later},
            {"bytes": sealed("a pet's card", subject, CLINICAL), "opened by": later},
            {"bytes": sealed("after: practice", keys[0, 1], [3]), "opened by": later},
            {"bytes": sealed("after: contact", keys[2, 1], [6]), "opened by": later},
            {"bytes": sealed("after: handling", keys[3, 1], [7]), "opened by": later},
        ],
        "bad rows": bad_rows(seats),
    }  # fmt: skip


def bad_rows(seats):
    key = made("role 0 0")
    bare = [0, key_id(key), OWNER, 0, [0, ident("anna")]]
    anna = x25519_public(seal_secret("anna"))
    good = to_public("bad rows", anna, bare, key)
    cases = []

    def case(name, row, error):
        cases.append({"name": name, "bytes": versioned([row]), "error": error})

    spoil = lambda raw, at: raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
    case("as it should be", good, "New")
    case("another role", [*good[:2], VET, *good[3:]], "Damaged")
    case("another epoch", [*good[:3], 1, *good[4:]], "Damaged")
    case("another key id", [good[0], spoil(good[1], 0), *good[2:]], "Damaged")
    case("another organisation", [*bare, hpke_seal("x", anna, info("key row", versioned([bytes(16), [*bare, b""]])), key)],
         "Damaged")  # fmt: skip
    for at in (0, 31, 32, 79):
        case(f"byte {at} of the wrap", [*bare, spoil(good[-1], at)], "Damaged")
    for length in (0, 31, 32, 47, 79):
        case(f"{length} bytes of the wrap", [*bare, good[-1][:length]], "Damaged")
    case("another key than it says", to_public("other", anna, bare, made("another")), "Damaged")
    case("a key of 31 bytes", to_public("short", anna, bare, key[:31]), "Damaged")
    # Whoever seals with a shared secret of zero needs no key of the recipient.
    for at, encapped in enumerate(low_order_keys()):
        cipher, nonce = hpke_cipher(bytes(32), encapped, anna, row_bound([*bare, b""]))
        wrap = encapped + cipher.encrypt(nonce, key, b"")
        case(f"sealed through a point of low order, {at}", [*bare, wrap], "Damaged")
    return cases


# --- key files -----------------------------------------------------------------------------------

FLOOR = [19 * 1024, 2, 1]


def slot_bound(whose, bare):
    return info("key file slot", versioned([*whose, [*bare[:-1], b""]]))


def password_slot(name, kind, whose, cost, key, master):
    bare = [kind, cost, made("salt " + name, 16), b""]
    bound = slot_bound(whose, bare)
    return [*bare[:-1], seal_box("slot " + name, key(bare[2]), "key file slot", b"", bound, master)]


def key_file(cost=FLOOR, pin_cost=FLOOR, passphrase="korrekt Pferd 7", pin="2580", version=1, tries=0, cheap=False):
    device, mine, theirs = (made(f"master {n}") for n in ("device", "anna", "ben"))
    pin_secret, anna, ben = made("pin secret"), ident("anna"), ident("ben")
    # A cost that nobody would work off still gets a file that is right in everything else.
    phrase = lambda salt: made("not stretched") if cheap else stretch(passphrase, cost, salt)
    pinned = lambda salt: derive(
        (made("pin not stretched") if cheap else stretch(pin, pin_cost, salt)) + pin_secret,
        "key file PIN", ben,
    )  # fmt: skip
    recovery = x25519_public(hpke_derive_private(derive(made("recovery root"), "recovery key")))

    def words(name, whose, master):
        bare = [1, recovery, b""]
        return [1, recovery, hpke_seal("slot " + name, recovery, slot_bound(whose, bare), master)]

    def seat_part(seat, slots, master, name, ends):
        plain = bytes(signing(name)) + seal_secret(name) + ends
        bound = versioned([ORG, seat, slots])
        return [seat, slots, seal_box("seat " + name, master, "key file seat", seat, bound, plain)]

    slots = [words("device words", [ORG], device)]
    slots.append(password_slot("phrase", 0, [ORG], cost, phrase, device))
    annas = [words("anna words", [ORG, anna], mine)]
    annas.append(password_slot("phrase", 0, [ORG, anna], cost, phrase, mine))
    bens = [words("ben words", [ORG, ben], theirs)]
    bens.append(password_slot("pin", 3, [ORG, ben], pin_cost, pinned, theirs))
    invited = b"\x01" + ident("first code") + made("join secret", 16)
    parts = [seat_part(anna, annas, mine, "anna", b"\0"), seat_part(ben, bens, theirs, "ben", invited)]
    known = versioned([[[anna, "Änne", 0], [ben, "", tries]]])
    plain = made("device seed") + made("local key") + pin_secret + known
    sealed = seal_box("device", device, "key file secrets", b"", versioned([ORG, slots, parts]), plain)
    return framed(cbor2.dumps([ORG, slots, sealed, parts]), version)


def kept_key_file(inner_version=1, outer_org=ORG, named=None):
    """The good file in the envelope of the system's keystore."""
    inner = key_file(version=inner_version)
    recovery = x25519_public(hpke_derive_private(derive(made("recovery root"), "recovery key")))
    name, secret = made("keystore name", 16), made("keystore secret")
    bound = info("key file keystore", versioned([ORG, name, recovery]))
    wrap = hpke_seal("keystore", recovery, bound, secret)
    sealed = seal_box("keystore", secret, "key file keystore", name, bound + wrap, inner[8:-32])
    return framed(cbor2.dumps([outer_org, named or name, recovery, wrap, sealed]), 2)


def framed(content, version=1):
    raw = b"daybook\0" + bytes([version]) + content
    sum_of = blake3.blake3(raw, derive_key_context="daybook/1 key file checksum").digest()
    return raw + sum_of


def key_files():
    good = key_file()
    bytewise = lambda raw, at: raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
    passphrase, pin = "korrekt Pferd 7", "2580"
    cases = []

    def case(name, raw, given=passphrase, error=None, ben=pin, pin_error=None):
        cases.append({"name": name, "bytes": raw, "passphrase": given, "error": error, "pin": ben,
                      "pin error": pin_error})  # fmt: skip

    case("as it should be", good)
    case("another passphrase", good, "korrekt Pferd 8", "WrongPassphrase")
    case("another spelling of it", good, "Korrekt Pferd 7", "WrongPassphrase")
    case("another PIN", good, ben="2581", pin_error="WrongPin")
    case("a passphrase that is not ASCII", key_file(passphrase="Schäferhündin"), "Schäferhündin")
    dearer = [20 * 1024, 3, 2]
    case("a dearer cost", key_file(cost=dearer, pin_cost=dearer))
    case("five wrong PINs were counted", key_file(tries=5), pin_error="PinLocked")
    for what, cost in {
        "too little memory": [19 * 1024 - 1, 2, 1], "too few passes": [19 * 1024, 1, 1],
        "no lane": [19 * 1024, 2, 0], "nothing at all": [0, 0, 0],
        "too much memory": [1024 * 1024 + 1, 2, 1], "all the memory there is": [2**32 - 1, 2, 1],
        "too many passes": [19 * 1024, 17, 1], "passes for years": [19 * 1024, 2**32 - 1, 1],
        "too many lanes": [19 * 1024, 2, 9],
    }.items():  # fmt: skip
        case(what, key_file(cost=cost, pin_cost=FLOOR, cheap=True), error="Cost")
        priced = pin_priced(cost)
        case(f"for a PIN: {what}", priced, pin_error="Cost")
    case("a newer version", key_file(version=3), error="NewerVersion")
    case("a byte turned on the disk", bytewise(good, len(good) // 2), error="Damaged")
    case("cut short", good[:-1], error="Damaged")
    case("nothing", b"", error="Damaged")
    content = cbor2.loads(good[9:-32])
    org, slots, sealed, parts = content
    forged = lambda *fields: framed(cbor2.dumps(list(fields)))
    case("a part taken away", forged(org, slots, sealed, parts[:1]), error="Damaged")
    case("parts exchanged", forged(org, slots, sealed, parts[::-1]), error="Damaged")
    case("a slot taken away", forged(org, slots[1:], sealed, parts), error="Damaged")
    case("another organisation", forged(bytes(16), slots, sealed, parts), error="Damaged")
    weaker = [*slots[1][:1], [19 * 1024, 2, 2], *slots[1][2:]]
    case("another cost in the slot", forged(org, [slots[0], weaker], sealed, parts), error="WrongPassphrase")
    salted = [*slots[1][:2], made("another salt", 16), slots[1][3]]
    case("another salt in the slot", forged(org, [slots[0], salted], sealed, parts), error="WrongPassphrase")
    pinned = [slots[0], slots[1], parts[1][1][1]]
    case("a PIN for the computer", forged(org, pinned, sealed, parts), error="Damaged")
    trailing = framed(cbor2.dumps(content) + b"\0")
    case("a byte after the content", trailing, error="Damaged")
    return {
        "org": ORG, "recovery root": made("recovery root"), "anna": ident("anna"), "ben": ident("ben"),
        "anna signs": bytes(signing("anna")), "anna opens": seal_secret("anna"),
        "ben signs": bytes(signing("ben")), "ben opens": seal_secret("ben"),
        "device signs": made("device seed"), "local": made("local key"),
        "cases": cases, "keystore": made("keystore secret"), "kept": kept_cases(),
    }  # fmt: skip


def kept_cases():
    good, secret = kept_key_file(), made("keystore secret")
    content = cbor2.loads(good[9:-32])
    stripped = [*content[:3], hpke_seal("another wrap", content[2], b"", secret), content[4]]
    return [
        {"name": name, "bytes": raw, "keystore": given, "error": error}
        for name, raw, given, error in [
            ("as it should be", good, secret, None),
            ("without the secret", good, None, "NeedsKeystore"),
            ("another secret", good, made("another keystore secret"), "WrongKeystore"),
            ("another organisation", kept_key_file(outer_org=bytes(16)), secret, "Damaged"),
            ("another name", kept_key_file(named=bytes(16)), secret, "Damaged"),
            ("another copy for the words", framed(cbor2.dumps(stripped), 2), secret, "Damaged"),
            ("a newer version inside", kept_key_file(inner_version=2), secret, "NewerVersion"),
            ("an older version inside", kept_key_file(inner_version=0), secret, "Damaged"),
            ("a byte after the content", framed(good[9:-32] + b"\0", 2), secret, "Damaged"),
        ]
    ]


def pin_priced(cost):
    """The good file with another cost at Ben's PIN; whoever holds the passphrase could write it."""
    good = cbor2.loads(key_file()[9:-32])
    org, slots, _, parts = good
    ben, theirs = ident("ben"), made("master ben")
    pin = password_slot("pin", 3, [ORG, ben], cost, lambda salt: made("not stretched"), theirs)
    bens = [parts[1][1][0], pin]
    plain = bytes(signing("ben")) + seal_secret("ben") + b"\0"
    part = [ben, bens, seal_box("seat ben", theirs, "key file seat", ben, versioned([ORG, ben, bens]), plain)]
    known = versioned([[[ident("anna"), "Änne", 0], [ben, "", 0]]])
    plain = made("device seed") + made("local key") + made("pin secret") + known
    parts = [parts[0], part]
    bound = versioned([ORG, slots, parts])
    sealed = seal_box("device", made("master device"), "key file secrets", b"", bound, plain)
    return framed(cbor2.dumps([org, slots, sealed, parts]))


# --- recovery words and join codes ---------------------------------------------------------------


def words():
    maker = mnemonic.Mnemonic("english")
    secrets = [bytes(32), b"\xff" * 32, b"\x7f" * 32, b"\x80" * 32, *(made(f"root {n}") for n in range(8))]
    secrets.append(made("recovery root"))
    good = []
    for secret in secrets:
        recovery = hpke_derive_private(derive(secret, "recovery key"))
        root = derive(secret, "root signing key")
        import nacl.signing

        good.append({
            "secret": secret, "words": maker.to_mnemonic(secret),
            "root": bytes(nacl.signing.SigningKey(root).verify_key), "recovery": x25519_public(recovery),
        })  # fmt: skip
    phrase = good[4]["words"].split()
    bad = []

    def case(name, listed, error):
        bad.append({"name": name, "words": " ".join(listed), "error": error})

    # Each word in turn becomes one that the checksum does not pass.
    for at in range(24):
        for other in maker.wordlist:
            changed = [*phrase[:at], other, *phrase[at + 1 :]]
            if other != phrase[at] and not maker.check(" ".join(changed)):
                break
        case(f"word {at + 1} is another", changed, "Checksum")
        case(f"word {at + 1} is none", [*phrase[:at], "daybook", *phrase[at + 1 :]], "Unknown")
    swapped = [phrase[1], phrase[0], *phrase[2:]]
    assert not maker.check(" ".join(swapped))
    case("two are swapped", swapped, "Checksum")
    for count in (0, 1, 12, 23):
        case(f"{count} words", phrase[:count], "Count")
    case("25 words", [*phrase, phrase[0]], "Count")
    return {"good": good, "bad": bad}


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def join_codes():
    standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    fields = [ORG, ident("first code"), made("genesis"), [7, made("head")],
              ["wss://relay.example:8430", public("relay")], made("join secret", 16)]  # fmt: skip

    def text(content, spoil=None):
        sum_of = blake3.blake3(content, derive_key_context="daybook/1 join code checksum").digest()[:4]
        raw = content + (spoil(sum_of) if spoil else sum_of)
        letters = base64.b32encode(raw).decode().rstrip("=").translate(str.maketrans(standard, ALPHABET))
        return "-".join(letters[at : at + 5] for at in range(0, len(letters), 5))

    good = text(versioned(fields))
    bad = []
    for at in range(4):
        for bit in range(8):
            spoil = lambda s: s[:at] + bytes([s[at] ^ 1 << bit]) + s[at + 1 :]
            name = f"bit {bit} of byte {at} of the checksum"
            bad.append({"name": name, "text": text(versioned(fields), spoil), "error": "Typo"})
    bad.append({"name": "a newer version", "text": text(cbor2.dumps([2, fields])), "error": "NewerVersion"})
    bad.append({"name": "a field too few", "text": text(versioned(fields[:-1])), "error": "Malformed"})
    bad.append({"name": "no code at all", "text": text(b"\0"), "error": "Malformed"})
    long = [*fields[:4], ["a" * 256, public("relay")], fields[5]]
    bad.append({"name": "an address too long", "text": text(versioned(long)), "error": "Malformed"})
    bad.append({"name": "nothing", "text": "", "error": "Typo"})
    bad.append({"name": "a letter that no code has", "text": "U" + good[1:], "error": "Character"})
    seed = derive(fields[5], "join signing key", ORG + fields[1])
    import nacl.signing

    return {
        "org": ORG, "invite": fields[1], "genesis": fields[2], "head": fields[3][1], "relay": fields[4][1],
        "secret": fields[5], "signs": bytes(nacl.signing.SigningKey(seed).verify_key),
        "good": [good, good.lower(), good.replace("-", " "), good.replace("-", ""),
                 good.replace("0", "o").replace("1", "l")],
        "letters changed": "Typo",
        "bad": bad,
    }  # fmt: skip
