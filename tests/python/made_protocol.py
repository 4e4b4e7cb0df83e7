"""Entries, heads, receipts and a governance chain, written by this implementation alone."""

import blake3
import cbor2
import nacl.signing

from primitives import (
    BASE, L, P, add, challenge, decoded, encoded, made, secret_scalar, small_points, times,
    versioned, x25519_public,
)  # fmt: skip

ORG = made("org", 16)
MAX_BODY, MAX_HEADER = 48 * 1024, 1024


def ident(name):
    return made("id " + name, 16)


def signing(name):
    return nacl.signing.SigningKey(made("signing " + name))


def public(name):
    return bytes(signing(name).verify_key)


def seal_secret(name):
    return made("sealing " + name)


def sign(domain, statement, name):
    return signing(name).sign(b"daybook/1/" + domain.encode() + b"\0" + statement).signature


def signed(domain, value, name):
    statement = versioned(value)
    return [statement, sign(domain, statement, name)]


def digest(context, *parts):
    hasher = blake3.blake3(derive_key_context="daybook/1 " + context)
    for part in parts:
        hasher.update(part)
    return hasher.digest()


# --- entries -------------------------------------------------------------------------------------

SCHEDULE, CLINICAL = [4, ident("site")], [8]


def header(feed, key=None, seal=None, sequence=7):
    return [
        ORG, feed, ident("document"), key, ident("device"), ident("anna"), ident("run"), sequence,
        made("prev"), [3, made("governance")], [1, 9, made("seen")], seal, 0, bytes(32),
    ]  # fmt: skip


def associated(fields):
    return versioned([*fields[:12], 0, bytes(32)])


def entry(fields, body, name="anna"):
    fields = [*fields[:12], len(body), blake3.blake3(body).digest()]
    raw = versioned(fields)
    return [raw, sign("entry", raw, name), body]


def truncations():
    """Every proper prefix is told as cut short; one byte more as a second spelling."""
    whole = cbor2.dumps(entry(header(SCHEDULE), b"ten o'clock"))
    return {
        "bytes": whole,
        "without body": cbor2.dumps(entry(header(SCHEDULE), b"ten o'clock")[:2]),
        "prefixes": "Truncated",
        "one more byte": "NotCanonical",
    }


def bounds():
    clear = header(SCHEDULE)

    def case(name, value, error=None):
        return {"name": name, "bytes": cbor2.dumps(value), "error": error}

    def changed(**fields):
        one = list(clear)
        for at, value in fields.items():
            one[int(at[1:])] = value
        return one

    def told(length):
        one = entry(clear, b"x")
        raw = versioned([*clear[:12], length, blake3.blake3(b"x").digest()])
        return [raw, sign("entry", raw, "anna"), one[2]]

    def padded(length):
        return [bytes(length), bytes(64)]

    return [
        case("the longest body", entry(clear, bytes(MAX_BODY))),
        case("a body too long", entry(clear, bytes(MAX_BODY + 1)), "TooLarge"),
        case("a body said to be too long", told(MAX_BODY + 1), "TooLarge"),
        case("no body at all", entry(clear, b"")),
        case("the last number", entry(header(SCHEDULE, sequence=2**64 - 1), b"x")),
        case("a number too large", entry(header(SCHEDULE, sequence=2**64), b"x"), "Malformed"),
        case("a number below zero", entry(header(SCHEDULE, sequence=-1), b"x"), "Malformed"),
        case("a header too long", padded(MAX_HEADER + 1), "TooLarge"),
        case("an id of 15 bytes", entry(changed(f2=bytes(15)), b"x"), "Malformed"),
        case("an id of 17 bytes", entry(changed(f2=bytes(17)), b"x"), "Malformed"),
        case("a hash of 31 bytes", entry(changed(f8=bytes(31)), b"x"), "Malformed"),
        case("a feed of no kind", entry(changed(f1=[11]), b"x"), "Malformed"),
        case("a schedule without its site", entry(changed(f1=[4]), b"x"), "Malformed"),
        case("a key in a clear feed", entry(changed(f3=bytes(16)), b"x"), "Impossible"),
        case("an unsealed clinical body", entry(header(CLINICAL), b"x"), "Impossible"),
        case("an entry among the acts", entry(header([0]), b"x"), "Impossible"),
        case("a signature of 63 bytes", [entry(clear, b"x")[0], bytes(63), b"x"], "Malformed"),
        case("an entry of the draft, version 0", [cbor2.dumps([0, clear]), bytes(64)], "Impossible"),
        case("an entry of version 2", [cbor2.dumps([2, clear]), bytes(64)], "NewerVersion"),
        case("an entry of version 2^40", [cbor2.dumps([2**40, clear]), bytes(64)], "NewerVersion"),
        case("a text instead of bytes", ["x" * 30, bytes(64)], "Malformed"),
    ]


# --- heads and receipts --------------------------------------------------------------------------


def feed():
    items, chain = [], digest("chain start", cbor2.dumps([ORG, SCHEDULE, 2]))
    steps = [chain]
    work = cbor2.dumps([0, entry(header(SCHEDULE), b"ten o'clock")])
    request = [ident("run"), 7]
    verdicts = [[0], [1, [0, ident("other claim"), ident("resource")]], *([1, [n]] for n in range(1, 5))]
    words = [[ORG, SCHEDULE, ident("claim"), made("placement"), v, request, 1_800_000_000] for v in verdicts]
    for raw in [work, *(cbor2.dumps([1, signed("confirmation", one, "relay")]) for one in words)]:
        kind, item = cbor2.loads(raw)
        chain = digest("chain next", chain, digest(["entry", "confirmation"][kind], *item[:2]))
        items.append({"bytes": raw, "chain": chain})
        steps.append(chain)
    last = len(items)
    head = lambda at, value, name="relay", org=ORG, domain="head": cbor2.dumps(
        signed(domain, [org, SCHEDULE, 2, at, value, 1_800_000_001], name)
    )
    return {
        "org": ORG,
        "relay": public("relay"),
        "start": steps[0],
        "items": items,
        "head": head(last, chain),
        "other heads": [
            {"name": "an earlier place", "bytes": head(2, steps[2]), "by relay": True, "contradicts": False},
            {"name": "the same place twice", "bytes": head(last, chain), "by relay": True, "contradicts": False},
            {"name": "another history", "bytes": head(last, made("fork")), "by relay": True, "contradicts": True},
            {"name": "another practice's", "bytes": head(last, made("fork"), org=bytes(16)), "by relay": True,
             "contradicts": False},
            {"name": "signed by somebody else", "bytes": head(last, chain, "anna"), "by relay": False,
             "contradicts": False},
            {"name": "signed as something else", "bytes": head(last, chain, domain="confirmation"),
             "by relay": False, "contradicts": False},
        ],
    }  # fmt: skip


# --- the governance chain ------------------------------------------------------------------------


def device_grant(name):
    statement = versioned([ORG, ident("device " + name), public("device " + name)])
    proof = sign("device grant", statement, "device " + name)
    return [ident("device " + name), public("device " + name), proof]


def seat_grant(name, device, role, seal=None):
    seal = seal or x25519_public(seal_secret(name))
    bound = [ident(name), ident("device " + device), public(name), seal]
    proof = sign("seat grant", versioned([ORG, *bound]), name)
    return [*bound[:2], role, *bound[2:], proof]


def governance(low_order):
    """A practice of Anna (owner), Ben (vet) and Cleo (groomer, dismissed), and what it refuses."""
    acts, hashes = [], []

    def act(author, what, name, at=1_800_000_000, height=None, prev=None):
        height = len(acts) if height is None else height
        prev = (hashes[-1] if hashes else bytes(32)) if prev is None else prev
        return signed("act", [ORG, height, prev, at, author, what], name)

    def put(*arguments, **keywords):
        acts.append(act(*arguments, **keywords))
        hashes.append(digest("act", *acts[-1]))

    by_root, by_anna = [0], [1, ident("anna")]
    recovery = x25519_public(seal_secret("recovery"))
    owner = seat_grant("anna", "front", 0)
    put(by_root, [0, public("root"), recovery, device_grant("front"), owner], "root")
    invite = lambda name, role: [2, ident(name), role, 1_800_100_000, public(name), None, b"keys", False]
    put(by_anna, invite("first code", 2), "anna")
    redeem = [3, ident("first code"), seat_grant("ben", "surgery", 2), device_grant("surgery")]
    put([2, ident("first code")], redeem, "first code")
    put(by_anna, [3, None, seat_grant("cleo", "front", 3)], "anna")
    put(by_anna, [6, public("relay"), public("spare"), "relay.example:8430"], "anna")
    put(by_anna, [5, ident("cleo"), [[ident("cleo's run"), 4]]], "anna")
    put(by_anna, [7, 3], "anna")
    put(by_anna, invite("second code", 4), "anna")
    put(by_anna, [9, ident("second code")], "anna")

    here, by_ben, by_cleo = len(acts), [1, ident("ben")], [1, ident("cleo")]
    sealing = lambda key: [3, None, seat_grant("dora", "front", 4, key)]
    other_org = signed("act", [bytes(16), here, hashes[-1], 1, by_anna, [7, 4]], "anna")
    bad = [
        ("the last act again", acts[-1], "Replayed"),
        ("the second act again", acts[1], "Replayed"),
        ("a fork at the head", act(by_anna, [7, 4], "anna", prev=made("fork")), "Fork"),
        ("another act in a place that is taken",
         act(by_anna, [7, 4], "anna", height=here - 1, prev=hashes[-2]), "WrongHeight"),
        ("another past", act(by_anna, [7, 4], "anna", height=4, prev=made("fork")), "Fork"),
        ("beyond the head", act(by_anna, [7, 4], "anna", height=here + 1), "WrongHeight"),
        ("another practice", other_org, "WrongOrganisation"),
        ("a second genesis",
         act(by_root, [0, public("root"), recovery, device_grant("x"), seat_grant("x", "x", 0)], "root"),
         "NotAGenesis"),
        ("signed by another", act(by_anna, [7, 4], "ben"), "BadSignature"),
        ("signed as an entry", [acts[-1][0], sign("entry", acts[-1][0], "anna")], "Fork or replay"),
        ("by who was dismissed", act(by_cleo, [7, 4], "cleo"), "UnknownAuthor"),
        ("by nobody", act([1, ident("nobody")], [7, 4], "anna"), "UnknownAuthor"),
        ("a vet restores the relay", act(by_ben, [7, 4], "ben"), "NotAuthorised"),
        ("a vet invites", act(by_ben, invite("third code", 4), "ben"), "NotAuthorised"),
        ("a used invitation again",
         act([2, ident("first code")], [3, ident("first code"), seat_grant("eve", "front", 2)], "first code"),
         "UsedInvite"),
        ("an invitation that was called back",
         act([2, ident("second code")], [3, ident("second code"), seat_grant("eve", "front", 4)], "second code"),
         "RevokedInvite"),
        ("an old epoch", act(by_anna, [7, 3], "anna"), "StaleEpoch"),
        ("the last owner leaves", act(by_anna, [5, ident("anna"), []], "anna"), "LastOwner"),
        ("a key that is taken", act(by_anna, [2, ident("y"), 4, 1_800_100_000, public("ben"), None, b"", False], "anna"),
         "Duplicate"),
        ("a relay key of low order", act(by_anna, [6, encoded((0, 1)), None, "x"], "anna"), "Key"),
        ("a relay key that is no point", act(by_anna, [6, b"\xff" * 32, None, "x"], "anna"), "Key"),
    ]  # fmt: skip
    # Its place and past are right, only the signature is for something else.
    forged = act(by_anna, [7, 4], "anna")
    bad = [one for one in bad if one[2] != "Fork or replay"]
    bad.append(("signed as an entry", [forged[0], sign("entry", forged[0], "anna")], "BadSignature"))
    for at, key in enumerate(low_order):
        bad.append((f"a sealing key of low order, {at}", act(by_anna, sealing(key), "anna"), "Key"))
    return {
        "acts": [{"bytes": cbor2.dumps(one), "hash": name} for one, name in zip(acts, hashes)],
        "bad": [{"name": n, "bytes": cbor2.dumps(one), "error": error} for n, one, error in bad],
    }


# --- Ed25519, strictly ---------------------------------------------------------------------------


def strictness():
    """Signed heads whose key or signature is of every bad kind; each would pass some checker."""
    cases, a = [], secret_scalar(made("strict seed"))
    key = encoded(times(a, BASE))
    torsion = small_points()
    at = iter(range(10**9))

    def statement():
        value = versioned([ORG, SCHEDULE, 0, next(at), made("strict"), 0])
        return value, b"daybook/1/head\0" + value

    def case(name, public_key, value, signature, good=False):
        raw = cbor2.dumps([value, signature])
        cases.append({"name": name, "key": public_key, "bytes": raw, "good": good})

    def fixed(r_raw, r, public_key, message):
        s = (r + challenge(r_raw, public_key, message) * a) % L
        return r_raw + s.to_bytes(32, "little")

    r = int.from_bytes(made("strict nonce", 64), "little") % L
    value, message = statement()
    good = fixed(encoded(times(r, BASE)), r, key, message)
    case("an ordinary signature", key, value, good, True)
    s = int.from_bytes(good[32:], "little")
    for n in (1, 2, 8, 15):
        case(f"S is larger by {n} L", key, value, good[:32] + (s + n * L).to_bytes(32, "little"))
    case("the top bit of S", key, value, good[:63] + bytes([good[63] | 0x80]))
    case("R with its sign turned", key, value, good[:31] + bytes([good[31] ^ 0x80]) + good[32:])
    case("nothing but zeros", key, value, bytes(64))

    def whose_challenge(divides, public_key, r_point):
        """A statement whose challenge does, or does not, divide by eight."""
        while True:
            value, message = statement()
            if (challenge(encoded(r_point), public_key, message) % 8 == 0) == divides:
                return value, message

    for n, point in enumerate(torsion):
        value, message = whose_challenge(True, encoded(point), times(r, BASE))
        raw = encoded(times(r, BASE)) + r.to_bytes(32, "little")
        case(f"a key of low order, {n}", encoded(point), value, raw)
        value, message = whose_challenge(True, key, point)
        case(f"R of low order, {n}", key, value, fixed(encoded(point), 0, key, message))
    for n, point in enumerate(torsion[1:]):
        mixed = encoded(add(times(a, BASE), point))
        value, message = whose_challenge(True, mixed, times(r, BASE))
        signature = fixed(encoded(times(r, BASE)), r, mixed, message)
        case(f"a key with a part of low order that plays no part, {n}", mixed, value, signature, True)
        while True:
            value, message = statement()
            r_raw = encoded(times(r, BASE))
            if times(challenge(r_raw, mixed, message) % 8, point) != (0, 1):
                break
        case(f"a key with a part of low order, {n}", mixed, value, fixed(r_raw, r, mixed, message))
        mixed_r = encoded(add(times(r, BASE), point))
        value, message = statement()
        case(f"R with a part of low order, {n}", key, value, fixed(mixed_r, r, key, message))
    # Second spellings: y not reduced, or a sign where x is zero.
    for n, (y, odd) in enumerate([(1, 1), (P - 1, 1), (P, 0), (P, 1), (P + 1, 0), (P + 1, 1)]):
        raw = (y | odd << 255).to_bytes(32, "little")
        assert decoded(raw) is None
        while True:
            value, message = statement()
            if challenge(encoded(times(r, BASE)), raw, message) % 8 == 0:
                break
        case(f"a key in a second spelling, {n}", raw, value, encoded(times(r, BASE)) + r.to_bytes(32, "little"))
        value, message = statement()
        case(f"R in a second spelling, {n}", key, value, fixed(raw, 0, key, message))
    return cases
