/**
 * An in-memory practice behind the `Backend` interface, for tests and for a plain browser.
 *
 * It refuses taken slots, unknown ids and empty names as the program does, takes changes back, and
 * tells listeners. Nothing is kept. Start with `fakeBackend`; `world` is open to tests.
 */
import { civilAt, type Clock } from "../clock";
import type { Backend } from "./backend";
import { auditRow, auditView } from "./fake/audit";
import { cardsView, mayOnCard } from "./fake/cards";
import { refusal, run } from "./fake/commands";
import { clashesOf, freeSlots, ghost, warningsOf } from "./fake/plan";
import { retentionView } from "./fake/retention";
import { clientView, dayView, reviewsOf, search, visitDetails } from "./fake/views";
import { emptyBook, sampleWorld, type Book, type World } from "./fake/world";
import type { Answer } from "./types/Answer";
import type { Command } from "./types/Command";
import type { ErasureBasis } from "./types/ErasureBasis";
import type { ErasureView } from "./types/ErasureView";
import type { Event } from "./types/Event";
import type { HomePhase } from "./types/HomePhase";
import type { HomeReply } from "./types/HomeReply";
import type { HomeRequest } from "./types/HomeRequest";
import type { Picture } from "./types/Picture";
import type { Query } from "./types/Query";
import type { Refusal } from "./types/Refusal";
import type { Reply } from "./types/Reply";
import type { SeatHere } from "./types/SeatHere";

export interface FakeOptions {
	clock: Clock;
	phase?: HomePhase;
}

export interface FakeBackend extends Backend {
	readonly world: World;
	/** Tells every listener. */
	tell(event: Event): void;
	/** The next call of any kind is refused with this. */
	refuseNext(refusal: Refusal): void;
}

const ORG = `org_${"3f9a".repeat(8)}`;

/** Not a picture that any telephone reads, but one that looks like it. */
const PICTURE: Picture = { size: 29, path: pattern(29) };

function pattern(size: number): string {
	let path = "";
	for (let y = 4; y < size - 4; y += 1)
		for (let x = 4; x < size - 4; x += 1)
			if ((x * 7 + y * 11 + ((x * y) % 5)) % 3 === 0) path += `M${x} ${y}h1v1h-1z`;
	return path;
}

const everything: Event = {
	type: "changed",
	schedule: true,
	records: true,
	practice: true,
	link: true,
};

/** Asking changes nothing, so nothing is told after it. */
const LOOKS: readonly HomeRequest["type"][] = ["status", "seats", "keystore"];

export function fakeBackend({ clock, phase = "open" }: FakeOptions): FakeBackend {
	const world = sampleWorld(clock, phase);
	const listeners = new Set<(event: Event) => void>();
	const undo: { step: number; before: Book }[] = [];
	let steps = 0;
	let refused: Refusal | undefined;

	const tell = (event: Event) => listeners.forEach((listener) => listener(event));
	const later = () => queueMicrotask(() => tell(everything));
	const answer = async <T>(what: () => T): Promise<T> => {
		await Promise.resolve();
		const because = refused;
		refused = undefined;
		if (because) throw because;
		return structuredClone(what());
	};
	const zone = () => world.book.locations[0]?.zone ?? "Etc/UTC";
	const now = () => civilAt(clock.now(), zone());
	const needOpen = () => {
		if (world.phase === "locked")
			throw refusal("locked", "The book is locked.", "Unlock it first.");
		if (world.phase === "empty")
			throw refusal("no_practice", "There is no practice here.", "Start or join one.");
	};

	const shown = ({ pin, tries, ...seat }: World["here"][number]): SeatHere => ({
		...seat,
		pin: pin !== undefined,
		pin_locked: tries >= 5,
	});
	const goodPin = (pin: string) => {
		if (pin.length < 4)
			throw refusal("invalid_input", "This PIN is too short.", "Use 4 characters or more.", "pin");
	};

	const goodWords = (words: string) =>
		words.trim().toLowerCase().split(/\s+/).slice(-24).join(" ") === world.words.join(" ");
	const wrongWords = () =>
		refusal(
			"wrong_recovery_words",
			"These words belong to another practice, or one is wrong.",
			"Compare each word with the paper; order matters.",
			"words",
		);

	function home(request: HomeRequest): HomeReply {
		const passphrase = (text: string) => {
			if (text.length < 8)
				throw refusal(
					"invalid_input",
					"The passphrase is short.",
					"Use at least 8 characters.",
					"passphrase",
				);
			world.passphrase = text;
		};
		const status = (): HomeReply => ({
			type: "status",
			phase: world.phase,
			paused: world.phase === "locked" && world.paused,
			...(world.relay ? { relay: world.relay } : {}),
		});
		switch (request.type) {
			case "status":
				return status();
			case "found": {
				if (world.phase !== "empty")
					throw refusal("already_founded", "This computer holds a practice.", "Unlock it.");
				const book = emptyBook(request.practice);
				run(book, { type: "add_location", name: request.location, zone: request.zone }, "", "");
				passphrase(request.passphrase);
				world.book = book;
				world.phase = "open";
				return {
					type: "founded",
					words: world.words,
					organisation: ORG,
					picture: PICTURE,
				};
			}
			case "join":
				if (request.code.replace(/[\s-]/g, "").length < 12)
					throw refusal(
						"bad_join_code",
						"The code is not complete.",
						"Compare it with the other screen.",
						"code",
					);
				passphrase(request.passphrase);
				world.book = sampleWorld(clock, "open").book;
				world.phase = "open";
				world.relay = "wss://relay.example.org";
				world.link = "in_step";
				return { type: "opened" };
			case "unlock":
				if (request.passphrase !== world.passphrase)
					throw refusal(
						"wrong_passphrase",
						"That is not the passphrase.",
						"Mind capitals and the keyboard layout.",
						"passphrase",
					);
				world.phase = "open";
				world.here.forEach((one, at) => (one.here = at === 0));
				return { type: "opened" };
			case "recover":
				if (request.words.trim().toLowerCase().split(/\s+/).join(" ") !== world.words.join(" "))
					throw refusal(
						"wrong_recovery_words",
						"These words do not open this home.",
						"Check spelling and order.",
						"words",
					);
				passphrase(request.passphrase);
				world.phase = "open";
				return { type: "opened" };
			case "rescue":
				if (!goodWords(request.words)) throw wrongWords();
				if (!/^[0-9a-f]{64}$/.test(request.relay_key))
					throw refusal(
						"invalid_input",
						"This is no key of a relay.",
						"Copy all 64 letters and digits from the recovery kit.",
						"relay_key",
					);
				passphrase(request.passphrase);
				world.book = sampleWorld(clock, "open").book;
				world.phase = "open";
				world.relay = request.relay;
				world.link = "in_step";
				return { type: "rescued", lost: [{ device: "dev_2", roles: ["vet"] }] };
			case "drill":
				if (!goodWords(request.words)) throw wrongWords();
				world.drilledAt = clock.now().toISOString();
				return { type: "drilled", at: world.drilledAt };
			case "kit":
				return {
					type: "kit",
					practice: world.book.name,
					organisation: ORG,
					...(world.relay ? { relay: world.relay, relay_key: "7d".repeat(32) } : {}),
					act: `6-${"9f".repeat(16)}`,
					at: clock.now().toISOString(),
				};
			case "new_words":
				world.freshWords = [...world.words].reverse();
				return { type: "new_words", words: world.freshWords, ask: [3, 17] };
			case "renew_kit":
				if (request.words !== world.freshWords?.join(" ")) throw wrongWords();
				world.words = world.freshWords;
				delete world.freshWords;
				delete world.drilledAt;
				return {
					type: "kit_renewed",
					rotated: true,
					organisation: ORG,
					picture: PICTURE,
				};
			case "set_policy":
				world.managersReadClinical = request.managers_read_clinical;
				return { type: "governed", rotated: true };
			case "hand_over": {
				const next = world.seats.find((one) => one.id === request.seat && !one.removed);
				const own = world.seats.find((one) => one.here);
				if (!next || !own)
					throw refusal("not_found", "There is no such seat any more.", "Look at the list.");
				next.role = "owner";
				own.role = request.role;
				return { type: "governed", rotated: false };
			}
			case "plan_backup":
				world.plan = { folder: request.folder, hours: request.hours, keep: request.keep };
				return home({ type: "backup", folder: request.folder });
			case "stop_backup":
				delete world.plan;
				return status();
			case "verify_backup":
				if (!request.file.endsWith(".backup"))
					throw refusal("not_found", "The backup file cannot be read.", "Check its name.", "file");
				return {
					type: "backup",
					file: request.file,
					bytes: 1_384_220,
					organisation: ORG,
					made: clock.now().toISOString(),
					holds: {
						practice: world.book.name,
						acts: 6,
						entries: 412,
						visits: world.book.visits.length,
					},
				};
			case "lock":
				world.phase = "locked";
				world.paused = false;
				return status();
			case "pause":
				world.phase = "locked";
				world.paused = world.here.some((one) => one.pin);
				for (const one of world.here) one.here = false;
				return status();
			case "keystore":
				return { type: "keystore", on: world.keystore };
			case "set_keystore":
				if (request.on && world.keystoreSilent)
					throw refusal(
						"keystore_silent",
						"The keystore of this system does not answer. No key was made or changed.",
						"Try again once it is unlocked, or use the recovery words.",
					);
				world.keystore = request.on;
				return { type: "keystore", on: world.keystore };
			case "seats":
				return { type: "seats", seats: world.here.map(shown) };
			case "add_seat":
			case "join_seat": {
				goodPin(request.pin);
				const role = request.type === "add_seat" ? request.role : "vet";
				world.here.push({
					id: `seat_${world.here.length + 1}`,
					name: request.name,
					role,
					here: false,
					passphrase: false,
					pin: request.pin,
					tries: 0,
				});
				return { type: "seats", seats: world.here.map(shown) };
			}
			case "switch": {
				const seat = world.here.find((one) => one.id === request.seat);
				if (!seat) throw refusal("not_found", "Nobody of this name works here.", "Look who does.");
				if (seat.tries >= 5 && request.passphrase !== world.passphrase)
					throw refusal(
						"pin_locked",
						"Too many wrong PINs were typed for this person.",
						"Give a passphrase of this computer along with the PIN.",
						"passphrase",
					);
				if (seat.pin !== request.pin) {
					seat.tries += 1;
					throw refusal("wrong_pin", "This is not the PIN of this person.", "Try again.", "pin");
				}
				seat.tries = 0;
				for (const one of world.here) one.here = one === seat;
				world.phase = "open";
				world.paused = false;
				return { type: "opened" };
			}
			case "set_pin":
				goodPin(request.pin);
				for (const one of world.here) if (one.here) one.pin = request.pin;
				return { type: "seats", seats: world.here.map(shown) };
			case "set_passphrase":
				passphrase(request.passphrase);
				for (const one of world.here) if (one.here) one.passphrase = true;
				return { type: "seats", seats: world.here.map(shown) };
			case "remove_seat":
			case "remove_device":
			case "set_role": {
				const hit = world.seats.filter((one) =>
					request.type === "remove_device"
						? one.device === request.device && !one.removed
						: one.id === request.seat && !one.removed,
				);
				if (hit.length === 0)
					throw refusal("not_found", "There is no such seat any more.", "Look at the list.");
				if (request.type !== "set_role" && hit.some((one) => one.here))
					throw refusal(
						"not_allowed",
						"Nobody removes the seat or the computer they are working with.",
						"Another owner can do it, from another computer.",
					);
				for (const one of hit)
					if (request.type === "set_role") one.role = request.role;
					else one.removed = true;
				return { type: "governed", rotated: true };
			}
			case "revoke_invite": {
				const hit = world.invitations.find((one) => one.id === request.invite);
				if (!hit) throw refusal("not_found", "There is no such invitation.", "Look at the list.");
				if (hit.used)
					throw refusal("invite_used", "This invitation was used already.", "Remove the seat.");
				hit.revoked = true;
				return { type: "governed", rotated: true };
			}
			case "invite": {
				if (!world.relay)
					throw refusal("relay_unreachable", "No relay is set.", "Set a relay first.");
				if (!(request.days >= 1 && request.days <= 30))
					throw refusal(
						"invalid_input",
						"A code works for 1 to 30 days.",
						"Write 1 to 30.",
						"days",
					);
				const expires = new Date(clock.now().getTime() + request.days * 86_400_000).toISOString();
				world.invitations.push({
					id: `inv_${world.invitations.length + 1}`,
					role: request.role,
					expires,
					used: false,
					revoked: false,
				});
				return {
					type: "invited",
					code: "DAYBK-7Q4MX-2HT9C-WLE3R-80ZPA-5KVNJ-B6YUF-1SDG2",
					expires,
					picture: PICTURE,
				};
			}
			case "compare": {
				const seat = request.seat ?? "seat_1";
				const known = world.seats.find((one) => one.id === seat);
				if (known?.compare == null)
					throw refusal(
						"not_found",
						"This seat does not wait for a comparison.",
						"Look at the list of people and devices.",
						"seat",
					);
				return { type: "compare", seat, number: known.compare };
			}
			case "compared": {
				const known = world.seats.find((one) => one.id === request.seat);
				if (known) {
					delete known.compare;
					known.keys = request.same;
					known.removed = !request.same;
				}
				return { type: "governed", rotated: true };
			}
			case "set_relay":
				if (!/^wss?:\/\/[^/\s]+$/.test(request.address))
					throw refusal(
						"invalid_input",
						"That is no relay address.",
						"Write ws://HOST:PORT or wss://HOST:PORT.",
						"address",
					);
				world.relay = request.address;
				world.link = "in_step";
				world.inStepAt = clock.now().toISOString();
				return status();
			case "set_standby":
				if (!/^[0-9a-f]{64}$/.test(request.key))
					throw refusal(
						"invalid_input",
						"This is no key of a relay.",
						"Copy all 64 letters and digits that sync-server key prints.",
						"key",
					);
				return status();
			case "approve_relay":
				if (world.relay === undefined)
					throw refusal("relay_unreachable", "No relay is set.", "Set the relay first.");
				world.alarms = world.alarms.filter((alarm) => alarm.code !== "relay_restored");
				return status();
			case "evidence":
				if (!request.file.startsWith("/"))
					throw refusal("invalid_input", "That is no file.", "Write the full path.", "file");
				return { type: "evidence", file: request.file, contradictions: 0 };
			case "export_client": {
				if (!request.folder.startsWith("/"))
					throw refusal(
						"invalid_input",
						"The folder does not exist.",
						"Choose a folder that is there; a new one for the client is made in it.",
						"folder",
					);
				return {
					type: "exported",
					folder: `${request.folder.replace(/\/$/, "")}/${request.client}`,
					files: ["client.json", "visits.csv", "notes.csv", "client.html"],
				};
			}
			case "audit_verify":
				return {
					type: "audited",
					whole: true,
					records: world.audit.length,
					entries: world.audit.length,
					acts: 1,
					confirmations: 0,
					heads: 0,
					masked: world.masked.length,
					withheld: 0,
					purged: 0,
					unfinished: 0,
					wrong: [],
					further: 0,
				};
			case "erase_client":
				return erase(request.client, request.basis, request.confirm);
			case "certificate": {
				const erasure = world.erasures.find((one) => one.id === request.erasure);
				if (!erasure)
					throw refusal("not_found", "There is no such erasure.", "Look again.", "erasure");
				if (!request.file.startsWith("/"))
					throw refusal("invalid_input", "That is no file.", "Write the full path.", "file");
				const devices = (done: boolean) =>
					erasure.devices.filter((one) => (one.done != null) === done).map((one) => one.device);
				return {
					type: "certificate",
					file: request.file,
					in_step: world.link === "in_step",
					certificate: {
						erasure: erasure.id,
						organisation: "org_00",
						genesis: "00",
						at: erasure.at,
						basis: erasure.basis,
						keys: erasure.keys,
						done: devices(true),
						out: devices(false),
					},
				};
			}
			case "backup":
				if (!request.folder.startsWith("/"))
					throw refusal("invalid_input", "That is no folder.", "Write the full path.", "folder");
				world.backupAt = clock.now().toISOString();
				return {
					type: "backed_up",
					file: `${request.folder.replace(/\/$/, "")}/daybook-${now().replace(/[-:]/g, "").replace("T", "-")}00.backup`,
					bytes: 1_384_220,
				};
			case "restore":
				if (world.phase !== "empty")
					throw refusal(
						"already_founded",
						"This computer holds a practice.",
						"Restore on an empty one.",
					);
				world.book = sampleWorld(clock, "open").book;
				world.phase = "locked";
				return status();
		}
	}

	/** Takes a client out for good; nothing brings it back. */
	function erase(id: string, basis: ErasureBasis, confirm: string): HomeReply {
		needOpen();
		const here = world.seats.find((seat) => seat.here);
		if (here?.role !== "owner")
			throw refusal("not_allowed", "This seat may not erase a client.", "Ask an owner.");
		const client = world.book.clients.find((one) => one.id === id);
		if (!client) throw refusal("not_found", "It is no longer there.", "Look again.");
		if (client.hold)
			throw refusal(
				"not_allowed",
				`This client must be kept: ${client.hold}.`,
				"End the hold first, if its reason is over.",
			);
		if (client.restricted)
			throw refusal(
				"not_allowed",
				"What is kept about this client is restricted: it stays until that is lifted.",
				"Tell the client, and lift the restriction.",
			);
		if (confirm.trim() !== client.name)
			throw refusal(
				"invalid_input",
				"This is not the client's name.",
				"Type the name exactly as the record has it.",
				"confirm",
			);
		const { book } = world;
		book.clients = book.clients.filter((one) => one !== client);
		const subjects = [id, ...client.pets.map((pet) => pet.id)];
		book.notes = book.notes.filter((note) => !subjects.includes(note.of));
		for (const visit of book.visits.filter((one) => one.client === id)) {
			delete visit.client;
			visit.pets = [];
			visit.note = "";
			visit.title = "Erased client";
		}
		undo.length = 0;
		const at = clock.now().toISOString();
		const devices = [...new Set(world.seats.map((seat) => seat.device))].map((device) => {
			const seats = world.seats.filter((seat) => seat.device === device);
			const mine = seats.some((seat) => seat.here);
			return {
				device,
				label: seats.map((seat) => seat.role).join(", "),
				here: mine,
				done: mine ? at : null,
				last_seen: mine ? at : null,
			};
		});
		const erasure: ErasureView = {
			id: `era_${world.erasures.length + 1}`,
			at,
			basis,
			by: here.id,
			keys: 3 * subjects.length,
			done: 1,
			of: devices.length,
			devices,
		};
		world.erasures.unshift(erasure);
		return { type: "erased", ...erasure };
	}

	function execute(command: Command): Reply {
		needOpen();
		if (command.type === "undo") {
			const at =
				command.step === undefined
					? undo.length - 1
					: undo.findIndex((one) => one.step === command.step);
			const found = undo[at];
			if (!found) throw refusal("nothing_to_undo", "There is nothing to take back.", "");
			world.book = found.before;
			undo.splice(at);
			return { id: "undo", said: "Taken back." };
		}
		if (command.type === "add_card_note" || command.type === "withdraw_card_note") {
			const role = world.seats.find((seat) => seat.here)?.role ?? "owner";
			if (!mayOnCard(role, command.card, command.type === "add_card_note" ? "a" : "w"))
				throw refusal("not_allowed", "This seat may not do this.", "Ask an owner.");
		}
		const before = structuredClone(world.book);
		const copy = structuredClone(world.book);
		const said = run(copy, command, now(), clock.now().toISOString());
		world.book = copy;
		world.audit.unshift(auditRow(world, before, command, said.id, clock.now().toISOString()));
		steps += 1;
		undo.push({ step: steps, before });
		if (world.link === "offline") world.outbox += 1;
		return { ...said, undo: steps };
	}

	function query(query: Query): Answer {
		needOpen();
		const { book } = world;
		const missing = () => refusal("not_found", "It is no longer there.", "Look again.");
		switch (query.type) {
			case "practice":
				return {
					...book,
					type: "practice",
					role: world.seats.find((seat) => seat.here)?.role ?? "owner",
				};
			case "day":
				return { type: "day", ...dayView(book, query.location, query.date) };
			case "visit": {
				const visit = book.visits.find((one) => one.id === query.appointment);
				if (!visit) throw missing();
				return { type: "visit", ...visitDetails(book, visit) };
			}
			case "free":
				return {
					type: "free",
					slots: freeSlots(book, {
						...query,
						from: query.from && query.from > now() ? query.from : now(),
						days: query.days ?? 14,
						limit: query.limit ?? 20,
					}),
				};
			case "search": {
				const found = search(book, query.text);
				return { type: "found", clients: found.slice(0, query.limit ?? 20), total: found.length };
			}
			case "clients": {
				const sorted = [...book.clients].sort((a, b) => a.name.localeCompare(b.name));
				const skip = query.skip ?? 0;
				return {
					type: "found",
					clients: sorted.slice(skip, skip + (query.limit ?? 100)),
					total: sorted.length,
				};
			}
			case "client": {
				const view = clientView(book, query.client);
				if (!view) throw missing();
				return { type: "client", ...view };
			}
			case "cards": {
				const role = world.seats.find((seat) => seat.here)?.role ?? "owner";
				const view = cardsView(book, query.client, role);
				if (!view) throw missing();
				return { type: "cards", ...view };
			}
			case "audit":
				return { type: "audit", ...auditView(world, query) };
			case "reviews":
				return { type: "reviews", reviews: reviewsOf(book) };
			case "clashes":
				return { type: "clashes", clashes: clashesOf(book), hash: "00" };
			case "state":
				return {
					type: "state",
					entries: "00",
					heads: "00",
					clashes: "00",
					rendering: "00",
					outbox: world.outbox,
					confirmed: book.visits.filter((one) => one.standing === "confirmed").length,
					tentative: book.visits.filter((one) => one.standing === "tentative").length,
					reviews: reviewsOf(book).length,
					feeds: [],
					link: world.link,
					alarms: world.alarms,
					...(world.relay ? { relay: world.relay, clock_offset: 0 } : {}),
					...(world.inStepAt ? { in_step_at: world.inStepAt } : {}),
					...(world.backupAt ? { backup_at: world.backupAt } : {}),
					care: {
						drill_due: world.drilledAt === undefined,
						only_copy: world.link === "no_relay" && !world.backupAt,
						...(world.drilledAt ? { drilled_at: world.drilledAt } : {}),
						...(world.plan ? { plan: world.plan } : {}),
						...(world.backupWaits ? { backup_waits: world.backupWaits } : {}),
						...(world.relay
							? {
									lease: {
										days: book.leaseDays ?? 90,
										phase: world.leasePhase,
										until: new Date(
											clock.now().getTime() + (book.leaseDays ?? 90) * 86_400_000,
										).toISOString(),
									},
								}
							: {}),
					},
				};
			case "people":
				return {
					type: "people",
					seats: world.seats.map((seat) => {
						const name = book.seatNames[seat.id];
						return name ? { ...seat, name } : seat;
					}),
					invitations: world.invitations,
					masked: world.masked,
					managers_read_clinical: world.managersReadClinical ?? false,
				};
			case "erasures":
				return { type: "erasures", erasures: world.erasures };
			case "retention":
				if (!["owner", "manager"].includes(world.seats.find((seat) => seat.here)?.role ?? ""))
					throw refusal("not_allowed", "This seat may not see this.", "Ask an owner.");
				return { type: "retention", ...retentionView(book, now().slice(0, 10)) };
			case "check": {
				const moved = book.visits.find((one) => one.id === query.appointment);
				const wanted = {
					location: query.location,
					service: query.service ?? moved?.service,
					minutes: query.minutes ?? moved?.minutes,
					room: query.room ?? moved?.room,
					from: query.start,
					days: 14,
					limit: 3,
					moving: moved?.id,
				};
				const tried = ghost(book, wanted, query.start, query.staff, wanted.room);
				const clashes = clashesOf(book, [tried]);
				const warnings = warningsOf(book, tried, now());
				const ok = clashes.length === 0 && warnings.length === 0;
				const end = new Date(Date.parse(`${query.start}:00Z`) + tried.minutes * 60_000)
					.toISOString()
					.slice(0, 16);
				return {
					type: "check",
					ok,
					clashes,
					warnings,
					end,
					alternatives: ok ? [] : freeSlots(book, wanted),
				};
			}
		}
	}

	const fake = {
		world,
		tell,
		refuseNext(because: Refusal) {
			refused = because;
		},
		home: async (request: HomeRequest) => {
			const reply = await answer(() => home(request));
			if (!LOOKS.includes(request.type)) later();
			return reply;
		},
		execute: async (command: Command) => {
			const reply = await answer(() => execute(command));
			later();
			return reply;
		},
		query: (wanted: Query) => answer(() => query(wanted)),
		onEvent(listener: (event: Event) => void) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
	};
	// The switches above answer each kind of request with its own kind of reply, which the compiler
	// cannot follow through a union.
	return fake as unknown as FakeBackend;
}
