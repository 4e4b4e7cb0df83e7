"""A second, independent reader of the sync protocol.

Reads the golden vectors that the Rust crate wrote and works everything out again from
`docs/design/protocol.md` alone: structure, one spelling, hashes, signatures, chains, the governance
fold, acceptance. Shares no code with the crate.

    python check_vectors.py [path of the vectors]

Afterwards it flips a byte of every vector in turn and insists that the check notices: a check that
cannot fail shows nothing.
"""

import copy
import io
import json
import pathlib
import sys

import blake3
import cbor2
import nacl.bindings
import nacl.exceptions
import nacl.signing
import zstandard

import primitives

MAX_FRAME, MAX_BODY, MAX_HEADER = 256 * 1024, 48 * 1024, 1024
VECTORS = pathlib.Path(__file__).parent.parent / "vectors" / "protocol-v1.json"
VERSION = 1


class Refused(Exception):
    """Bytes or statements that must not pass; the text is the name of the error."""


# --- structures: the CDDL of the protocol page, as Python --------------------------------------


class Truncated(Exception):
    pass


def bytes_of(length=None, most=None):
    def check(value):
        if not isinstance(value, bytes) or (length is not None and len(value) != length):
            raise Refused("Malformed")
        if most is not None and len(value) > most:
            raise Refused("TooLarge")

    return check


def number(low, high):
    def check(value):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Refused("Malformed")

    return check


def text(most):
    def check(value):
        if not isinstance(value, str):
            raise Refused("Malformed")
        if len(value.encode()) > most:
            raise Refused("TooLarge")

    return check


def flag(value):
    if not isinstance(value, bool):
        raise Refused("Malformed")


def optional(inner):
    def check(value):
        if value is not None:
            inner(value)

    check.optional = True
    return check


def array(*fields):
    """Fields in order. Absent ones at the end are left out; before the end they are null."""

    def check(value):
        if not isinstance(value, list):
            raise Refused("Malformed")
        if len(value) > len(fields):
            raise Refused("NotCanonical")
        if value and value[-1] is None:
            raise Refused("NotCanonical")
        for at, field in enumerate(fields):
            if at < len(value):
                field(value[at])
            elif not getattr(field, "optional", False):
                raise Refused("Malformed")

    return check


def list_of(inner, most=1 << 20, ascending=None):
    def check(value):
        if not isinstance(value, list):
            raise Refused("Malformed")
        if len(value) > most:
            raise Refused("TooLarge")
        for one in value:
            inner(one)
        if ascending is not None:
            keys = [ascending(one) for one in value]
            if any(a >= b for a, b in zip(keys, keys[1:])):
                raise Refused("Impossible")

    return check


def choice(kinds, unknown="Malformed"):
    def check(value):
        if not isinstance(value, list) or not value or not isinstance(value[0], int):
            raise Refused("Malformed")
        if value[0] not in kinds:
            raise Refused(unknown)
        array(number(0, 255), *kinds[value[0]])(value)

    return check


ID, HASH, KEY, SIGNATURE = bytes_of(16), bytes_of(32), bytes_of(32), bytes_of(64)
U8, U16, U32, U64 = (number(0, 2**bits - 1) for bits in (8, 16, 32, 64))
I64 = number(-(2**63), 2**63 - 1)
ROLES = ["owner", "manager", "vet", "groomer", "receptionist", "gateway"]
ROLE = number(0, len(ROLES) - 1)
FEEDS = ["governance", "keys", "grid", "practice", "schedule", "visits"]
FEEDS += ["contact", "handling", "clinical", "grooming", "payments"]
FEED = choice({n: [ID] if n in (4, 5) else [] for n in range(len(FEEDS))})
CLEAR = {"governance", "keys", "grid", "schedule"}
WRITTEN_BY = array(ID, U64)
SEEN = array(U32, U64, HASH)
SEAL = array(U8, bytes_of(24), HASH)
HEADER = array(
    ID, FEED, ID, optional(ID), ID, ID, ID, U64, HASH, array(U32, HASH), optional(SEEN),
    optional(SEAL), U32, HASH,
)  # fmt: skip
DEVICE_GRANT = array(ID, KEY, SIGNATURE)
SEAT_GRANT = array(ID, ID, ROLE, KEY, KEY, SIGNATURE)
ROOT_GRANT = array(KEY, KEY, SIGNATURE)
AUTHOR = choice({0: [], 1: [ID], 2: [ID], 3: [ID]})
WHAT = choice(
    {
        0: [KEY, KEY, DEVICE_GRANT, SEAT_GRANT],
        1: [DEVICE_GRANT],
        2: [ID, ROLE, I64, KEY, optional(ID), bytes_of(most=16 * 1024), flag],
        3: [optional(ID), SEAT_GRANT, optional(DEVICE_GRANT)],
        4: [ID, ROLE, list_of(WRITTEN_BY, 8192, ascending=lambda pair: pair[0])],
        5: [ID, list_of(WRITTEN_BY, 8192, ascending=lambda pair: pair[0])],
        6: [KEY, optional(KEY), text(255)],
        7: [U32],
        8: [ID, list_of(WRITTEN_BY, 8192, ascending=lambda pair: pair[0])],
        9: [ID],
        10: [
            array(
                ID,
                list_of(ID, 1024, ascending=lambda one: one),
                list_of(ID, 1024, ascending=lambda one: one),
                list_of(WRITTEN_BY, 1024, ascending=lambda pair: pair),
                number(0, 3),
            )
        ],
        11: [ROOT_GRANT],
        12: [U8, ROLE, flag, list_of(WRITTEN_BY, 8192, ascending=lambda pair: pair[0])],
    }
)
ACT = array(ID, U32, HASH, I64, AUTHOR, WHAT)
HEAD = array(ID, FEED, U32, U64, HASH, I64)
REASON = choice({0: [ID, ID], 1: [], 2: [], 3: [], 4: []})
CONFIRMATION = array(ID, FEED, ID, HASH, choice({0: [], 1: [REASON]}), WRITTEN_BY, I64)
HAVE = array(FEED, U32, U64, HASH)


def feed_order(have):
    return (have[0][0], have[0][1:])


HAVES = list_of(HAVE, 1024, ascending=feed_order)
ENTRY = array(bytes_of(most=MAX_HEADER), SIGNATURE, optional(bytes_of(most=MAX_BODY)))
SIGNED = array(bytes_of(most=224 * 1024), SIGNATURE)
ITEM = choice({0: [ENTRY], 1: [SIGNED], 2: [SIGNED]})
SIGN_IN = array(ID, ID, text(255), bytes_of(16), HAVES, SIGNATURE)
JOIN = array(ID, ID, text(255), bytes_of(16), U32, SIGNATURE)
WELCOME = array(I64, list_of(SIGNED, 1024), list_of(FEED, 1024), array(U64, U64), SIGNATURE)
STILL = array(U64, I64, HAVES, SIGNATURE)
DETAIL, BLOBS = text(200), list_of(bytes_of(), 4096)
FRAMES = {
    0: [U8, bytes_of(32), KEY, I64, flag],
    1: [text(256), SIGNED],
    2: [],
    3: [SIGN_IN],
    4: [JOIN],
    5: [WELCOME],
    6: [FEED, U32, number(1, 2**64 - 1 - 4096), BLOBS, optional(SIGNED)],
    7: [FEED, U32, number(1, 2**64 - 1 - 4096), list_of(WRITTEN_BY, 4096), SIGNED],
    8: [BLOBS],
    9: [SIGNED],
    10: [array(optional(WRITTEN_BY), optional(HASH)), U16, DETAIL],
    11: [HAVES],
    12: [list_of(WRITTEN_BY, ascending=lambda pair: pair[0])],
    13: [U32],
    14: [U64],
    15: [U64],
    16: [U16, DETAIL],
    17: [],
    18: [STILL],
}


def spelled_once(raw):
    """Decodes one CBOR value that is written in the one accepted way."""
    stream = io.BytesIO(raw)
    if b"" == raw:
        raise Refused("Truncated")
    try:
        value = cbor2.CBORDecoder(stream).decode()
    except cbor2.CBORDecodeEOF:
        raise Refused("Truncated") from None
    except Exception:
        raise Refused("Malformed") from None
    if stream.tell() != len(raw) and len(cbor2.dumps(value)) != len(raw):
        raise Refused("NotCanonical")
    if cbor2.dumps(value) != raw:
        # An array of unknown length is not even the expected structure.
        raise Refused("Malformed" if raw[0] == 0x9F else "NotCanonical")
    return value


def read(raw, structure):
    value = spelled_once(raw)
    structure(value)
    return value


def read_versioned(raw, structure):
    if len(raw) > 1 and raw[0] & 0xE0 == 0x80 and raw[1] < 0x1C:
        version = raw[1] if raw[1] < 24 else int.from_bytes(raw[2 : 2 + (1 << raw[1] - 24)], "big")
        if version > VERSION:
            raise Refused("NewerVersion")
        if version < VERSION:
            raise Refused("Impossible")
    value = spelled_once(raw)
    array(number(VERSION, VERSION), structure)(value)
    return value[1]


def read_entry(raw):
    value = read(raw, ENTRY)
    return check_entry(value)


def check_entry(value):
    header = read_versioned(value[0], HEADER)
    kind = FEEDS[header[1][0]]
    sealed = (header[3] is not None, header[11] is not None)
    if header[12] > MAX_BODY:
        raise Refused("TooLarge")
    if kind == "governance":
        raise Refused("Impossible")
    if sealed != ((False, False) if kind in CLEAR else (True, True)):
        raise Refused("Impossible")
    return {
        "header": header,
        "bytes": value[0],
        "signature": value[1],
        "body": value[2] if len(value) > 2 else None,
    }


def check_statement(value, structure):
    statement = read_versioned(value[0], structure)
    if structure is CONFIRMATION and statement[1][0] != 4:
        raise Refused("Impossible")
    return statement


def read_item(raw):
    kind, value = read(raw, ITEM)
    if kind == 0:
        check_entry(value)
    else:
        check_statement(value, CONFIRMATION if kind == 1 else ACT)
    return kind, value


def read_frame(raw):
    if len(raw) > MAX_FRAME:
        raise Refused("TooLarge")
    if not raw:
        raise Refused("Truncated")
    if raw[0] > VERSION:
        raise Refused("NewerVersion")
    if raw[0] < VERSION:
        raise Refused("Impossible")
    body = raw[2:]
    if raw[1] == 1:
        try:
            with zstandard.ZstdDecompressor().stream_reader(body) as reader:
                body = reader.read(MAX_FRAME + 1)
        except zstandard.ZstdError:
            raise Refused("Compression") from None
        if len(body) > MAX_FRAME:
            raise Refused("TooLarge")
        if body[1:2] != b"\x06":
            raise Refused("Impossible")
    elif raw[1] != 0:
        raise Refused("Malformed")
    frame = spelled_once(body)
    choice(FRAMES, unknown="UnknownFrame")(frame)
    inner = {1: [(2, ACT)], 6: [(5, HEAD)], 7: [(5, HEAD)], 9: [(1, ACT)]}
    for at, structure in inner.get(frame[0], []):
        if at < len(frame):
            check_statement(frame[at], structure)
    if frame[0] == 5:
        for head in frame[1][1]:
            check_statement(head, HEAD)
    if frame[0] == 10 and sum(one is not None for one in frame[1]) != 1:
        raise Refused("Impossible")
    return frame, body


# --- hashes and signatures -----------------------------------------------------------------------


def digest(context, *parts):
    hasher = blake3.blake3(derive_key_context="daybook/1 " + context)
    for part in parts:
        hasher.update(part)
    return hasher.digest()


def versioned(*fields):
    return cbor2.dumps([VERSION, list(fields)])


def is_signed(domain, statement, signature, key):
    message = b"daybook/1/" + domain.encode() + b"\0" + statement
    try:
        nacl.signing.VerifyKey(key).verify(message, signature)
        return True
    except nacl.exceptions.BadSignatureError:
        return False


def strong(key):
    """Canonical, on the curve, and not of low order. Libsodium would also refuse a key with a part
    of low order, which the protocol does not: such a key has a holder and gives no second signature."""
    point = primitives.decoded(key)
    if point is None or primitives.is_small(point):
        raise Refused("Key")
    return key


def strong_seal_key(key):
    if int.from_bytes(key, "little") >= 2**255 - 19:
        raise Refused("Key")
    try:
        nacl.bindings.crypto_scalarmult(bytes([9] * 32), key)
    except (nacl.exceptions.RuntimeError, RuntimeError):
        raise Refused("Key") from None


# --- governance ----------------------------------------------------------------------------------


class Chain:
    """The governance chain, applied act by act."""

    def __init__(self, signed):
        self.hashes, self.seats, self.devices, self.invites = [], {}, {}, {}
        self.relay, self.epoch, self.gone = None, 0, set()
        self.erasures, self.erased_keys, self.erased_rows = {}, {}, {}
        org, height, prev, _at, author, what = read_versioned(signed[0], ACT)
        if (height, prev, author, what[0]) != (0, bytes(32), [0], 0):
            raise Refused("NotAGenesis")
        self.org, self.root = org, strong(what[1])
        if not is_signed("act", signed[0], signed[1], self.root):
            raise Refused("BadSignature")
        strong_seal_key(what[2])
        self.recovery, self.replaced, self.policies = what[2], [], []
        if what[4][2] != 0:
            raise Refused("LastOwner")
        self.add_device(what[3], 0)
        self.add_seat(what[4], 0)
        self.hashes.append(digest("act", *signed))

    def apply(self, signed):
        before = copy.deepcopy(vars(self))
        try:
            self.try_apply(signed)
        except Refused:
            vars(self).update(before)
            raise

    def try_apply(self, signed):
        org, height, prev, at, author, what = read_versioned(signed[0], ACT)
        expected = len(self.hashes)
        if org != self.org:
            raise Refused("WrongOrganisation")
        if height < expected:
            if self.hashes[height] == digest("act", *signed):
                raise Refused("Replayed")
            raise Refused("WrongHeight" if height and self.hashes[height - 1] == prev else "Fork")
        if height > expected:
            raise Refused("WrongHeight")
        if prev != self.hashes[-1]:
            raise Refused("Fork")
        if not is_signed("act", signed[0], signed[1], self.author_key(author)):
            raise Refused("BadSignature")
        self.enact(height, at, author, what)
        self.hashes.append(digest("act", *signed))

    def author_key(self, author):
        if author[0] == 0:
            return self.root
        if author[0] == 1 and self.role(author[1]) is not None:
            return self.seats[author[1]]["key"]
        if author[0] == 2:
            if author[1] not in self.invites:
                raise Refused("UnknownInvite")
            return self.invites[author[1]]["key"]
        if author[0] == 3 and author[1] in self.devices and author[1] not in self.gone:
            return self.devices[author[1]]
        raise Refused("UnknownAuthor")

    def role(self, seat, height=2**32):
        state = self.seats.get(seat)
        if state is None or (state["removed"] is not None and state["removed"] <= height):
            return None
        known = [role for since, role in state["roles"] if since <= height]
        return known[-1] if known else None

    def authority(self, author):
        return {0: 0, 1: self.role(author[1]) if author[0] == 1 else None}.get(author[0])

    def may_admit(self, author, role):
        authority = self.authority(author)
        return authority == 0 or (authority == 1 and role > 1)

    def enact(self, height, at, author, what):
        kind, fields = what[0], what[1:]
        if kind == 0:
            raise Refused("NotAGenesis")
        if kind in (1, 4, 5, 6, 7, 8, 10, 11, 12) and self.authority(author) != 0:
            raise Refused("NotAuthorised")
        if kind == 1:
            self.add_device(fields[0], height)
        elif kind == 2:
            invite, role, expires, key, *_ = fields
            if not self.may_admit(author, role):
                raise Refused("NotAuthorised")
            self.fresh(strong(key))
            if invite in self.invites:
                raise Refused("Duplicate")
            self.invites[invite] = {
                "role": role, "expires": expires, "key": key, "by": author, "used": False,
                "revoked": False,
            }  # fmt: skip
        elif kind == 3:
            self.admit(height, at, author, *fields)
        elif kind == 4:
            if fields[1] != 0:
                self.keeps_an_owner(fields[0])
            self.live(fields[0])["roles"].append((height, fields[1]))
            self.seats[fields[0]]["before"][height] = dict(map(tuple, fields[2]))
        elif kind == 5:
            self.keeps_an_owner(fields[0])
            self.live(fields[0]).update(removed=height, last=dict(map(tuple, fields[1])))
        elif kind == 6:
            strong(fields[0])
            if fields[1] is not None and strong(fields[1]) == fields[0]:
                raise Refused("Duplicate")
            self.relay = fields[0]
        elif kind == 7:
            if fields[0] <= self.epoch:
                raise Refused("StaleEpoch")
            self.epoch = fields[0]
        elif kind == 8:
            self.remove_device(height, *fields)
        elif kind == 9:
            state = self.invites.get(fields[0])
            if state is None:
                raise Refused("UnknownInvite")
            if not self.may_admit(author, state["role"]):
                raise Refused("NotAuthorised")
            if state["used"] or state["revoked"]:
                raise Refused("UsedInvite" if state["used"] else "RevokedInvite")
            state["revoked"] = True
        elif kind == 10:
            self.erase(height, *fields[0])
        elif kind == 11:
            self.replace_root(*fields[0])
        elif kind == 12:
            self.decide(height, *fields)

    def replace_root(self, root, recovery, proof):
        strong(root)
        strong_seal_key(recovery)
        if not is_signed("root grant", versioned(self.org, root, recovery), proof, root):
            raise Refused("BadProof")
        self.fresh(root)
        if recovery in [self.recovery, *(old for _, old in self.replaced)]:
            raise Refused("Duplicate")
        self.replaced.append((self.root, self.recovery))
        self.root, self.recovery = root, recovery

    def decide(self, height, compartment, role, opened, last):
        if (compartment, role) != (4, ROLES.index("manager")):
            raise Refused("UnknownPolicy")
        self.policies.append((height, opened))
        if opened:
            return
        for seat, state in self.seats.items():
            if self.role(seat) == role:
                state["roles"].append((height, role))
                state["before"][height] = dict(map(tuple, last))

    def writes(self, height, role, kind):
        """Whether entries of a role count in a feed after the act at a height."""
        known = [opened for since, opened in self.policies if since <= height]
        let_in = bool(known and known[-1]) and (kind, ROLES[role]) == ("clinical", "manager")
        return let_in or ROLES[role] in roles_of(WRITE, kind)

    def erase(self, height, erasure, subjects, keys, rows, basis):
        begins = erasure not in self.erasures
        if not (subjects or keys or rows) or (begins and not subjects):
            raise Refused("EmptyErasure")
        if any(key in self.erased_keys for key in keys):
            raise Refused("ErasedBefore")
        state = self.erasures.setdefault(erasure, {"basis": basis, "heights": [], "keys": 0})
        state["heights"].append(height)
        state["keys"] += len(keys)
        self.erased_keys.update({key: height for key in keys})
        for row in map(tuple, rows):
            self.erased_rows.setdefault(row, height)

    def must_purge(self, header):
        """The height of the act by which an entry must have lost its body."""
        if header[3] is not None:
            return self.erased_keys.get(header[3])
        if FEEDS[header[1][0]] == "keys":
            return self.erased_rows.get((header[6], header[7]))
        return None

    def remove_device(self, height, device, last):
        if device not in self.devices or device in self.gone:
            raise Refused("UnknownDevice")
        owners = [seat for one, seat in self.seats.items() if self.role(one) == 0]
        if all(seat["device"] == device for seat in owners):
            raise Refused("LastOwner")
        self.gone.add(device)
        for seat in self.seats.values():
            if seat["device"] == device and seat["removed"] is None:
                seat.update(removed=height, last=dict(map(tuple, last)))

    def admit(self, height, at, author, invite, seat, device=None):
        if invite is None:
            if not self.may_admit(author, seat[2]):
                raise Refused("NotAuthorised")
        else:
            if author != [2, invite]:
                raise Refused("NotAuthorised")
            state = self.invites[invite]
            if state["used"]:
                raise Refused("UsedInvite")
            if state["revoked"]:
                raise Refused("RevokedInvite")
            if at >= state["expires"]:
                raise Refused("ExpiredInvite")
            if state["role"] != seat[2]:
                raise Refused("WrongRole")
            if not self.may_admit(state["by"], seat[2]):
                raise Refused("LapsedInvite")
            state["used"] = True
        if device is not None:
            self.add_device(device, height)
            if device[0] != seat[1]:
                raise Refused("UnknownDevice")
        if seat[1] not in self.devices or seat[1] in self.gone:
            raise Refused("UnknownDevice")
        self.add_seat(seat, height)

    def add_device(self, grant, _height):
        device, key, proof = grant
        if not is_signed("device grant", versioned(self.org, device, key), proof, strong(key)):
            raise Refused("BadProof")
        self.fresh(key)
        if device in self.devices:
            raise Refused("Duplicate")
        self.devices[device] = key

    def add_seat(self, grant, height):
        seat, device, role, key, seal, proof = grant
        strong(key)
        strong_seal_key(seal)
        statement = versioned(self.org, seat, device, key, seal)
        if not is_signed("seat grant", statement, proof, key):
            raise Refused("BadProof")
        self.fresh(key)
        if seat in self.seats:
            raise Refused("Duplicate")
        self.seats[seat] = {
            "device": device, "key": key, "roles": [(height, role)], "removed": None, "last": {},
            "before": {},
        }  # fmt: skip

    def fresh(self, key):
        taken = [self.root, *self.devices.values(), *(old for old, _ in self.replaced)]
        taken += [seat["key"] for seat in self.seats.values()]
        taken += [invite["key"] for invite in self.invites.values()]
        if key in taken:
            raise Refused("Duplicate")

    def live(self, seat):
        if seat not in self.seats or self.seats[seat]["removed"] is not None:
            raise Refused("UnknownSeat")
        return self.seats[seat]

    def keeps_an_owner(self, seat):
        owners = [one for one in self.seats if self.role(one) == 0]
        if owners == [seat]:
            raise Refused("LastOwner")


READ = {
    "visits": 0b011111, "practice": 0b011111, "contact": 0b011111, "handling": 0b011111,
    "clinical": 0b000101, "grooming": 0b011111, "payments": 0b010011,
}  # fmt: skip
WRITE = {
    "governance": 0, "keys": 0b011111, "grid": 0b011111, "practice": 0b000011,
    "schedule": 0b011111, "visits": 0b011111, "contact": 0b010111, "handling": 0b011111,
    "clinical": 0b000101, "grooming": 0b001011, "payments": 0b010011,
}  # fmt: skip


def roles_of(table, kind):
    return [role for n, role in enumerate(ROLES) if table.get(kind, 0b111111) >> n & 1]


def accept(entry, chain):
    """Acceptance, in the order of the protocol page."""
    header, body = entry["header"], entry["body"]
    org, feed, _document, _key, device, seat, incarnation, sequence, _prev, governance = header[:10]
    if org != chain.org:
        return "Withhold WrongOrganisation"
    state = chain.seats.get(seat)
    if state is not None:
        if state["device"] != device:
            return "Withhold WrongDevice"
        if not is_signed("entry", entry["bytes"], entry["signature"], state["key"]):
            return "Withhold BadSignature"
        if body is not None and (
            len(body) != header[12] or blake3.blake3(body).digest() != header[13]
        ):
            return "Withhold BodyMismatch"
    height, head = governance
    if height >= len(chain.hashes):
        return f"Wait {height}"
    if chain.hashes[height] != head:
        return "Withhold Fork"
    if state is None:
        return "Withhold UnknownSeat"
    if body is None and chain.must_purge(header) is None:
        return f"Wait {len(chain.hashes)}"
    if state["removed"] is not None and sequence > state["last"].get(incarnation, -1):
        return "Mask AfterRemoval"
    role = chain.role(seat, height)
    if role is None:
        return "Mask NotMember"
    # Naming the height of then keeps nobody in a role: what lies beyond what a later change of role
    # names has to be allowed in that role too.
    later = [
        (since, new)
        for since, new in state["roles"]
        if since > height and sequence > state["before"].get(since, {}).get(incarnation, -1)
    ]
    held = [(height, role), *later]
    kind = FEEDS[feed[0]]
    return "Accept" if all(chain.writes(*one, kind) for one in held) else "Mask Role"


# --- the vectors ---------------------------------------------------------------------------------


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def expect_refused(what, call, wanted):
    try:
        call()
    except Refused as refused:
        expect(what, str(refused), wanted)
    else:
        raise AssertionError(f"{what}: accepted, wanted {wanted}")


def check(vectors):
    unhex = bytes.fromhex
    count = 0
    relay, challenge = unhex(vectors["relay"]), unhex(vectors["challenge"])
    keys = {}
    for key in vectors["keys"]:
        keys[key["name"]] = unhex(key["public"])
        signing = nacl.signing.SigningKey(unhex(key["seed"]))
        expect(key["name"], bytes(signing.verify_key), keys[key["name"]])
        expect("seed", blake3.blake3(key["name"].encode()).hexdigest(), key["seed"])
    expect("relay", relay, keys["relay"])

    chain = None
    for at, vector in enumerate(vectors["acts"]):
        raw = unhex(vector["bytes"])
        signed = read(raw, SIGNED)
        expect(f"act {at}", cbor2.dumps(signed), raw)
        expect(f"act {at}", digest("act", *signed).hex(), vector["hash"])
        if chain is None:
            chain = Chain(signed)
        else:
            chain.apply(signed)
        count += 1
    expect("org", chain.org.hex(), vectors["org"])
    expect("pinned relay", chain.relay, relay)

    for vector in vectors["entries"]:
        raw = unhex(vector["bytes"])
        entry = read_entry(raw)
        wire = [entry["bytes"], entry["signature"], entry["body"]]
        expect(vector["name"], cbor2.dumps([one for one in wire if one is not None]), raw)
        expect(vector["name"], cbor2.dumps([VERSION, entry["header"]]), entry["bytes"])
        expect(
            vector["name"], digest("entry", entry["bytes"], entry["signature"]).hex(), vector["hash"]
        )
        bare = [VERSION, [*entry["header"][:12], 0, bytes(32)]]
        expect(vector["name"], cbor2.dumps(bare).hex(), vector["associated_data"])
        expect(vector["name"], accept(entry, chain), vector["accept"])
        count += 1

    feed = vectors["feed"]
    feed_id = read(unhex(feed["feed"]), FEED)
    value = digest("chain start", cbor2.dumps([chain.org, feed_id, feed["epoch"]]))
    expect("chain start", value.hex(), feed["start"])
    for at, vector in enumerate(feed["items"]):
        raw = unhex(vector["bytes"])
        kind, item = read_item(raw)
        expect(f"item {at}", cbor2.dumps([kind, item]), raw)
        name = ["entry", "confirmation", "act"][kind]
        item_hash = digest(name, item[0], item[1])
        expect(f"item {at}", item_hash.hex(), vector["hash"])
        value = digest("chain next", value, item_hash)
        expect(f"item {at}", value.hex(), vector["chain"])
        if kind == 1:
            expect(f"item {at} signed", is_signed("confirmation", item[0], item[1], relay), True)
        elif kind == 0:
            bare = len(item) == 2
            wanted = f"Wait {len(chain.hashes)}" if bare else "Accept"
            expect(f"item {at}", accept(check_entry(item), chain), wanted)
        count += 1
    signed = read(unhex(feed["head"]), SIGNED)
    head = read_versioned(signed[0], HEAD)
    expect("head signed", is_signed("head", *signed, relay), True)
    expect("head", head[:5], [chain.org, feed_id, feed["epoch"], len(feed["items"]), value])

    check_handshake(vectors["handshake"], challenge, relay, keys)

    for vector in vectors["frames"]:
        raw = unhex(vector["bytes"])
        frame, body = read_frame(raw)
        expect(vector["name"], bytes([VERSION, 0]) + cbor2.dumps(frame), raw)
        if frame[0] == 5:
            name = unhex(vectors["handshake"]["sign_in_name"])
            at, heads, behind, quota, signature = frame[1]
            statement = versioned(name, at, heads, behind, quota)
            expect("welcome", is_signed("welcome", statement, signature, relay), True)
        if frame[0] == 18:
            name = unhex(vectors["handshake"]["sign_in_name"])
            statement = versioned(name, *frame[1][:3])
            expect("still", is_signed("still", statement, frame[1][3], relay), True)
        expect(vector["name"], blake3.blake3(raw).hexdigest(), vector["blake3"])
        if frame[0] == 1:
            expect("found", digest("act", *frame[2]), chain.hashes[0])
        elif frame[0] == 6:
            for one in frame[4]:
                read_item(one)
        elif frame[0] == 7:
            expect("placed", is_signed("head", *frame[5], relay), True)
        elif frame[0] == 8:
            for one in frame[1]:
                expect("pushed", accept(read_entry(one), chain), "Accept")
        elif frame[0] == 9:
            expect("proposed", digest("act", *frame[1]) in chain.hashes, True)
        count += 1
    expect("kinds of frames", {read_frame(unhex(v["bytes"]))[0][0] for v in vectors["frames"]},
           set(FRAMES))  # fmt: skip
    compressed = vectors["compressed"]
    expect("compressed", read_frame(unhex(compressed["bytes"]))[1], unhex(compressed["plain"])[2:])

    for vector in vectors["feeds"]:
        which, *site = read(unhex(vector["bytes"]), FEED)
        kind = FEEDS[which]
        expect("feed", vector["text"], "/loc_".join([kind, *(one.hex() for one in site)]))
        expect(kind, vector["clear"], kind in CLEAR)
        expect(kind, vector["read"], roles_of(READ, kind))
        expect(kind, vector["write"], roles_of(WRITE, kind))
        count += 1

    for vector in vectors["bad_acts"]:
        signed = read(unhex(vector["bytes"]), SIGNED)
        before = list(chain.hashes)
        expect_refused(vector["name"], lambda s=signed: chain.apply(s), vector["error"])
        expect("nothing changed", chain.hashes, before)
        count += 1
    count += check_later(vectors, chain)
    readers = {"frame": read_frame, "entry": read_entry, "item": read_item}
    for vector in vectors["bad_bytes"]:
        raw, reader = unhex(vector["bytes"]), readers[vector["as"]]
        expect_refused(vector["name"], lambda: reader(raw), vector["error"])
        count += 1
    return count


def check_later(vectors, chain):
    """The same practice, some acts later: a device was lost, an invitation called back; then a client
    was erased, in two acts; at last there are new recovery words, and managers who read clinical cards
    for a while."""
    return sum(check_part(vectors, chain, part) for part in ("later", "erased", "renewed"))


def check_part(vectors, chain, part):
    """Acts that follow, then what entries and other acts are worth after them."""
    unhex = bytes.fromhex
    acts, entries, bad = (vectors[f"{part}_{kind}"] for kind in ("acts", "entries", "bad_acts"))
    for vector in acts:
        raw = unhex(vector["bytes"])
        signed = read(raw, SIGNED)
        expect(f"{part}: an act", cbor2.dumps(signed), raw)
        expect(f"{part}: an act", digest("act", *signed).hex(), vector["hash"])
        chain.apply(signed)
    for vector in entries:
        entry = read_entry(unhex(vector["bytes"]))
        if part == "erased":
            expect(vector["name"], chain.must_purge(entry["header"]), vector["must_purge"])
        expect(vector["name"], accept(entry, chain), vector["accept"])
    for vector in bad:
        signed = read(unhex(vector["bytes"]), SIGNED)
        expect_refused(vector["name"], lambda s=signed: chain.apply(s), vector["error"])
    return len(acts) + len(entries) + len(bad)


def check_handshake(vectors, challenge, relay, keys):
    for kind, domain, signer in (("sign_in", "sign in", "device 1"), ("join", "join", "invite 2")):
        (_, fields), _ = read_frame(bytes.fromhex(vectors[kind]))
        statement = versioned(challenge, relay, *fields[:-1])
        expect(kind, is_signed(domain, statement, fields[-1], keys[signer]), True)
        name = digest("handshake", b"daybook/1/" + domain.encode() + b"\0", statement)
        expect(kind, name.hex(), vectors[kind + "_name"])


def places(value, path=()):
    """Every hexadecimal text in the vectors that good vectors are made of."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not key.endswith("bad_acts") and key != "bad_bytes":
                yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, (*path, at))
    elif isinstance(value, str) and path[-1] not in ("name", "text", "accept", "format"):
        try:
            if bytes.fromhex(value):
                yield path, value
        except ValueError:
            pass


def self_test(vectors):
    """Flips one byte in the middle of each text; the check must notice every one."""
    missed, tried = [], 0
    for path, value in places(vectors):
        raw = bytearray.fromhex(value)
        raw[len(raw) // 2] ^= 0x01
        bad = copy.deepcopy(vectors)
        place = bad
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = raw.hex()
        tried += 1
        try:
            check(bad)
        except (AssertionError, Refused, KeyError):
            continue
        missed.append("/".join(map(str, path)))
    if missed:
        raise AssertionError(f"flipped bytes that nobody noticed: {missed}")
    return tried


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else VECTORS
    vectors = json.loads(path.read_text())
    try:
        print(f"{check(vectors)} vectors agree")
        print(f"{self_test(vectors)} flipped bytes noticed")
    except (AssertionError, Refused, KeyError) as error:
        print(f"vectors do not agree: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
