#!/usr/bin/env python3
"""Verifies a certificate of erasure, independently of Daybook.

    pip install -r requirements.txt
    python check_certificate.py FILE

Needs the rules of the chain in check_vectors.py and primitives.py, beside it; all were written from the protocol's
page, not from Daybook's code. Prints what the certificate proves, or what is wrong with it.
Compare the first act with what the practice says of itself: that is the one thing which nobody but
the practice can tell.

Without a file it checks the certificate of the test vectors, and that one changed bit in any byte
of it is noticed.
"""

import datetime
import pathlib
import re
import sys

import cbor2

from check_vectors import (
    FEEDS, HASH, I64, ID, SIGNED, Chain, Refused, accept, array, bytes_of, digest, is_signed,
    list_of, number, optional, read, read_entry, read_versioned,
)  # fmt: skip

TITLE = "Daybook erasure certificate 0"
VECTOR = pathlib.Path(__file__).parent.parent / "vectors" / "certificate-v1.txt"
OUT = array(ID, optional(I64))
FILE = array(
    list_of(bytes_of()), list_of(bytes_of()), list_of(OUT, ascending=lambda out: out[0]), SIGNED
)
STATEMENT = array(ID, ID, ID, I64, HASH)
RECEIPT = list_of(array(number(4, 4), ID, number(0, 2**32 - 1), I64), 1)
BASES = ["asked for", "kept long enough", "entered by mistake", "ordered"]


class Wrong(Exception):
    """What is wrong with the certificate."""


def raw_of(text):
    lines = text.split("\n")
    if lines[0] != TITLE:
        raise Wrong("line 1 is not the title of a certificate of this version")
    if len(lines) < 3 or lines[-1] != "":
        raise Wrong("the file ends early")
    for at, line in enumerate(lines[1:-1], start=2):
        full = at < len(lines) - 1
        if not re.fullmatch("(?:[0-9a-f]{2}){1,32}", line) or (full and len(line) != 64):
            raise Wrong(f"line {at} is not 64 hexadecimal digits")
    return bytes.fromhex("".join(lines[1:-1]))


def fold(acts):
    chain = None
    for at, raw in enumerate(acts):
        try:
            signed = read(raw, SIGNED)
            if chain is None:
                chain = Chain(signed)
            else:
                chain.apply(signed)
        except Refused as refused:
            raise Wrong(f"act {at} does not hold: {refused}") from None
    if chain is None:
        raise Wrong("there are no acts")
    return chain


def receipt(raw, chain, erasure, last):
    """Device and time of a receipt."""
    entry = read_entry(raw)
    header, body = entry["header"], entry["body"]
    if FEEDS[header[1][0]] != "keys" or body is None or accept(entry, chain) != "Accept":
        raise Refused("NotAReceipt")
    [(_, of, height, at)] = read_versioned(body, RECEIPT)
    if of != erasure or height < last:
        raise Refused("OfAnotherErasure")
    return header[4], at


def check(text):
    try:
        acts, receipts, out, signed = read(raw_of(text), FILE)
        org, erasure, seat, made, content = read_versioned(signed[0], STATEMENT)
    except Refused as refused:
        raise Wrong(f"its bytes cannot be read: {refused}") from None
    chain = fold(acts)
    if org != chain.org:
        raise Wrong("the chain is another practice's")
    if erasure not in chain.erasures:
        raise Wrong("the chain does not hold this erasure")
    state = chain.erasures[erasure]
    last = state["heights"][-1]
    done = {}
    for at, raw in enumerate(receipts):
        try:
            device, when = receipt(raw, chain, erasure, last)
        except (Refused, ValueError):
            raise Wrong(f"receipt {at} does not hold") from None
        done[device] = when
    good = seat in chain.seats and is_signed("certificate", *signed, chain.seats[seat]["key"])
    if not good or content != digest("certificate content", cbor2.dumps([acts, receipts, out])):
        raise Wrong("it is not signed by whom it names, or not as it stands here")
    asked = {
        one["device"]
        for key, one in chain.seats.items()
        if chain.role(key) is not None and one["roles"][0][0] <= last
    }
    missing = sorted(asked - set(done))
    if missing != [one[0] for one in out]:
        raise Wrong("the list of devices still to come is not right")
    return {
        "practice": "org_" + org.hex(),
        "first act": chain.hashes[0].hex(),
        "erasure": "era_" + erasure.hex(),
        "why": BASES[state["basis"]],
        "keys destroyed": state["keys"],
        "certificate made": moment(made),
        "done": {"dev_" + one.hex(): moment(when) for one, when in sorted(done.items())},
        "not yet": {
            "dev_" + one[0].hex(): moment(one[1]) if len(one) > 1 else "never heard of"
            for one in out
        },
    }


def moment(seconds):
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()
    except (OverflowError, OSError, ValueError):
        return f"{seconds} seconds after 1970"


def show(proven):
    for name, value in proven.items():
        if isinstance(value, dict):
            for device, when in value.items():
                print(f"{name:18} {device}  {when}")
        else:
            print(f"{name:18} {value}")


def self_test(text):
    raw = text.encode()
    for at in range(len(raw)):
        bad = bytearray(raw)
        bad[at] ^= 1 << (at % 7)
        try:
            check(bad.decode())
        except Wrong:
            continue
        raise AssertionError(f"a changed bit in byte {at} was not noticed")
    return len(raw)


def main():
    if len(sys.argv) > 1:
        try:
            text = pathlib.Path(sys.argv[1]).read_bytes().decode()
            proven = check(text)
        except (Wrong, UnicodeDecodeError) as wrong:
            sys.exit(f"The certificate proves nothing: {wrong}.")
        print("The certificate holds.")
        show(proven)
        return
    text = VECTOR.read_text()
    check(text)
    print(f"the certificate holds; {self_test(text)} changed bits noticed")


if __name__ == "__main__":
    main()
