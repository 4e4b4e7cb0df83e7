"""What an erasure costs among many clients, with the real programs.

    python3 tests/python/measure_erasing.py --programs target/debug --clients 25000

A relay and two desks. The first enters so many clients, each with a pet, so that there are keys of
twice as many subjects; one more has four cards and a visit. Then that one is erased, and the second
desk hears of it. With `--place` on a disk in memory the disk does not count.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

NAME = "Zenobia Quagga"


def measure(programs, clients, place):
    def desk(home, *arguments, lines=None):
        command = [programs / "daybook", "--json", "--home", place / home, "--insecure-machine-key"]
        done = subprocess.run([*command, *arguments], input=lines, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{arguments}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def stage(name, work):
        begin = time.monotonic()
        done = work()
        print(f"{name:<48} {time.monotonic() - begin:9.2f} s", flush=True)
        return done

    def size(folder):
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    serve = [programs / "sync-server", "serve", "--data", place / "relay", "--listen", "127.0.0.1:0"]
    relay = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        address = next(line for line in relay.stdout if "listening on " in line)
        address = "ws://" + address.split("listening on ")[1].split()[0].removeprefix("ws://")
        ticket = [programs / "sync-server", "org", "invite", "--data", place / "relay"]
        ticket = subprocess.run(ticket, capture_output=True, text=True, check=True).stdout.split()[-1]
        desk("a", "found", "--practice", "Measured", "--location", "Only", "--zone", "Europe/Lisbon")
        hours = [word for day in ("weekdays", "saturday", "sunday") for word in (f"--{day}", "00:00-24:00")]
        desk("a", "hours", "Only", *hours)
        desk("a", "staff", "add", "Ann", "--role", "vet")
        desk("a", "relay", address, "--ticket", ticket)
        code = desk("a", "invite", "--role", "vet")[-1]["code"]
        desk("b", "join", code)
        client = desk("a", "client", "add", NAME, "--phone", "612777111")[-1]["id"]
        pet = desk("a", "pet", "add", "--client", client, "Quagga Pet")[-1]["id"]
        for card in ("handling", "clinical", "grooming", "payments"):
            desk("a", "card", "add", "--pet", pet, "--in", card, "Bites when touched")
        booking = ("--start", "2100-03-01T09:00", "--staff", "Ann", "--minutes", "30", "--client", client)
        desk("a", "book", *booking, "--note", "limps", "--despite-warnings")

        def enter(make):
            return desk("a", "batch", lines="".join(json.dumps(make(n)) + "\n" for n in range(clients)))

        added = stage("clients entered", lambda: enter(lambda n: {
            "type": "add_client", "name": f"Client Number{n:05}", "phones": [f"+33 6{n:08}"]}))
        stage("pets entered", lambda: enter(lambda n: {
            "type": "add_pet", "client": added[n]["ok"]["id"], "name": f"Pet {n}"}))
        print(f"{2 * clients + 2} subjects")
        sync = ("sync", "--timeout", "7200")
        stage("sent to the relay", lambda: desk("a", *sync))
        stage("learned by the other desk", lambda: desk("b", *sync))
        folders = [place / name for name in ("relay", "a", "b")]
        before = [size(folder) for folder in folders]
        stage("a command that does nothing: the home opens", lambda: desk("a", "erasures"))
        stage("one that does nothing but connect", lambda: desk("a", *sync))
        erase = ("erase", client, "--basis", "request", "--confirm", NAME)
        keys = stage("act, purge at the relay and at the own desk", lambda: desk("a", *erase))[-1]["keys"]
        stage("the other desk: opens, connects, purges, answers", lambda: desk("b", *sync))
        desk("a", *sync)
        erasure = desk("a", "erasures")[-1]["erasures"][0]
        print(f"{keys} keys, {erasure['done']} of {erasure['of']} devices")
        for folder, was in zip(folders, before):
            print(f"{folder.name:<8} {was:>12} bytes before {size(folder):>12} after")
        file = place / "certificate"
        stage("certificate", lambda: desk("a", "certificate", erasure["id"], file))
        print(f"certificate {file.stat().st_size:>9} bytes")
    finally:
        relay.terminate()
        relay.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--place", type=pathlib.Path)
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wish.place) as place:
        measure(wish.programs.resolve(), wish.clients, pathlib.Path(place))


if __name__ == "__main__":
    main()
