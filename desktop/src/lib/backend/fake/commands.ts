/**
 * Wishes carried out on the in-memory book. Each either changes the book and says so, or throws a
 * `Refusal` and leaves it as it was (the caller works on a copy).
 */
import { addMinutes, isDate } from "../../clock";
import type { Command } from "../types/Command";
import type { ErrorCode } from "../types/ErrorCode";
import type { Refusal } from "../types/Refusal";
import type { Reply } from "../types/Reply";
import type { VisitState } from "../types/VisitState";
import { clashesOf, freeSlots, ghost, roomsFor, warningsOf } from "./plan";
import { NEXT } from "./views";
import type { Book, FakeClient, FakeVisit } from "./world";

type Said = Omit<Reply, "undo">;

export function refusal(code: ErrorCode, message: string, help: string, field?: string): Refusal {
	return { code, message, help, ...(field ? { field } : {}) };
}

function named(name: string | null | undefined, field = "name"): string {
	const text = (name ?? "").trim();
	if (text === "") throw refusal("invalid_input", "The name is empty.", "Write a name.", field);
	if (text.length > 200)
		throw refusal("invalid_input", "The name is too long.", "Use at most 200 characters.", field);
	return text;
}

function find<T extends { id: string }>(list: T[], id: string, what: string, field?: string): T {
	const found = list.find((one) => one.id === id);
	if (!found)
		throw refusal(
			"not_found",
			`No such ${what}.`,
			"It may have been removed at another desk.",
			field,
		);
	return found;
}

/** What is restricted is changed with a reason. */
function despite(client: FakeClient | undefined, reason: string | null | undefined): void {
	if (client?.restricted && !reason?.trim())
		throw {
			...refusal(
				"needs_confirmation",
				"The client's data are restricted: they are kept and not used.",
				"Say why it is needed all the same.",
				"despite_restriction",
			),
			warnings: ["client_restricted"],
		} satisfies Refusal;
}

export function run(book: Book, command: Command, now: string, instant: string): Said {
	const id = (prefix: string) => `${prefix}_${String(book.next++).padStart(4, "0")}`;

	/** Refuses what is taken or not confirmed; double booking needs a reason. */
	const agree = (
		visit: FakeVisit,
		doubleBook: string | null | undefined,
		despite: boolean,
	): Said["warnings"] => {
		const clashes = clashesOf(book, [visit]);
		if (clashes.length > 0 && !doubleBook?.trim()) {
			throw {
				...refusal(
					"slot_taken",
					"Somebody else has this slot.",
					"Take one of these, or double book with a reason.",
				),
				alternatives: freeSlots(book, {
					location: visit.location,
					service: visit.service,
					minutes: visit.minutes,
					from: visit.start < now ? now : visit.start,
					days: 14,
					limit: 3,
					moving: visit.id,
				}),
			} satisfies Refusal;
		}
		const warnings = warningsOf(book, visit, now);
		if (book.clients.find((one) => one.id === visit.client)?.restricted)
			warnings.push("client_restricted");
		if (warnings.length > 0 && !despite)
			throw {
				...refusal("needs_confirmation", "There is something to know first.", "Confirm to go on."),
				warnings,
			} satisfies Refusal;
		if (doubleBook?.trim()) {
			visit.reasons.push(doubleBook.trim());
			visit.allowed.push(...clashes.flatMap((c) => c.claims).filter((one) => one !== visit.id));
		}
		return warnings;
	};

	const checkWeek = (weekly: [string, string][][]) => {
		if (weekly.length !== 7)
			throw refusal("invalid_input", "A week has seven days.", "Send seven lists.", "weekly");
		for (const day of weekly)
			for (const [from, until] of day)
				if (until !== "00:00" && until <= from)
					throw refusal(
						"invalid_input",
						"Hours end before they start.",
						"Put the earlier time first.",
						"weekly",
					);
	};

	switch (command.type) {
		case "add_location": {
			const name = named(command.name);
			try {
				new Intl.DateTimeFormat("en", { timeZone: command.zone });
			} catch {
				throw refusal(
					"invalid_input",
					"No such time zone.",
					"Write it like Europe/Madrid.",
					"zone",
				);
			}
			const made = id("loc");
			const weekday: [string, string][] = [["09:00", "17:00"]];
			book.locations.push({
				id: made,
				name,
				zone: command.zone,
				weekly: [weekday, weekday, weekday, weekday, weekday, [], []],
				closed: [],
			});
			return { id: made, said: `${name} was added.` };
		}
		case "add_staff": {
			const name = named(command.name);
			if (command.locations.length === 0)
				throw refusal(
					"invalid_input",
					"They work nowhere.",
					"Choose at least one site.",
					"locations",
				);
			command.locations.forEach((one) => find(book.locations, one, "site", "locations"));
			const made = id("res");
			book.staff.push({
				id: made,
				name,
				role: command.role,
				locations: command.locations,
				colour: command.colour ?? book.staff.length % 12,
				retired: false,
				hours: {},
				closed: [],
			});
			return { id: made, said: `${name} was added.` };
		}
		case "add_room": {
			const name = named(command.name);
			find(book.locations, command.location, "site", "location");
			if (!Number.isInteger(command.capacity) || command.capacity < 1)
				throw refusal(
					"invalid_input",
					"A room takes at least one visit.",
					"Write 1 or more.",
					"capacity",
				);
			const made = id("res");
			book.rooms.push({
				id: made,
				name,
				location: command.location,
				capacity: command.capacity,
				retired: false,
			});
			return { id: made, said: `${name} was added.` };
		}
		case "add_service": {
			const name = named(command.name);
			const work = command.parts.filter((part) => !part.buffer);
			if (work.length === 0 || command.parts.some((part) => !(part.minutes >= 1)))
				throw refusal("invalid_input", "It takes no time.", "Write at least one minute.", "parts");
			const made = id("svc");
			book.services.push({
				id: made,
				name,
				minutes: Math.max(...work.map((part) => part.offset_minutes + part.minutes)),
				parts: command.parts,
				staff: command.staff,
				rooms: command.rooms,
				...(command.price_minor === undefined ? {} : { price_minor: command.price_minor }),
				...(command.currency ? { currency: command.currency } : {}),
				retired: false,
			});
			return { id: made, said: `${name} was added.` };
		}
		case "set_hours": {
			checkWeek(command.weekly);
			const wrong = command.closed.find((date) => !isDate(date));
			if (wrong !== undefined)
				throw refusal(
					"invalid_input",
					`${wrong} is no date.`,
					"Write it like 2026-12-25.",
					"closed",
				);
			const site = book.locations.find((one) => one.id === command.of);
			if (site) {
				site.weekly = command.weekly;
				site.closed = [...new Set(command.closed)].sort();
				return { id: site.id, said: `Hours of ${site.name} were saved.` };
			}
			const person = find(book.staff, command.of, "person or site", "of");
			for (const at of command.at ? [command.at] : person.locations)
				person.hours[at] = command.weekly;
			person.closed = [...new Set(command.closed)].sort();
			return { id: person.id, said: `Hours of ${person.name} were saved.` };
		}
		case "set_lease":
			if (command.days < 7 || command.days > 365)
				throw refusal("invalid_input", "A lease lasts from 7 to 365 days.", "Use 90.", "days");
			book.leaseDays = command.days;
			return { id: "", said: "The lease is set." };
		case "edit_entry": {
			if (command.of.startsWith("seat_")) {
				if (command.name != null) book.seatNames[command.of] = named(command.name);
				return { id: command.of, said: "Changed." };
			}
			const entry = [...book.locations, ...book.staff, ...book.rooms, ...book.services].find(
				(one) => one.id === command.of,
			);
			if (!entry)
				throw refusal(
					"not_found",
					"No such entry.",
					"It may have been removed at another desk.",
					"of",
				);
			if (command.name != null) entry.name = named(command.name);
			if (command.colour != null && "colour" in entry) entry.colour = command.colour;
			if (command.retired != null && "retired" in entry) entry.retired = command.retired;
			const what = command.retired
				? "was retired"
				: command.retired === false
					? "is back"
					: "was saved";
			return { id: entry.id, said: `${entry.name} ${what}.` };
		}
		case "add_client": {
			const name = named(command.name);
			const digits = (phone: string) => phone.replace(/\D/g, "");
			const known = book.clients.some((one) =>
				one.phones.some((phone) => command.phones.some((new_) => digits(new_) === digits(phone))),
			);
			const made = id("cli");
			book.clients.push({
				id: made,
				name,
				phones: command.phones,
				email: command.email ?? "",
				note: command.note ?? "",
				pets: [],
			});
			return {
				id: made,
				said: `${name} was added.`,
				...(known ? { warnings: ["phone_known" as const] } : {}),
			};
		}
		case "edit_client": {
			const client = find(book.clients, command.client, "client", "client");
			despite(client, command.despite_restriction);
			if (command.name != null) client.name = named(command.name);
			if (command.phones != null) client.phones = command.phones;
			if (command.email != null) client.email = command.email;
			if (command.note != null) client.note = command.note;
			return { id: client.id, said: `${client.name} was saved.` };
		}
		case "hold_client": {
			const client = find(book.clients, command.client, "client", "client");
			client.hold = command.reason.trim();
			const said = client.hold
				? "The client is kept, and is not erased before this ends."
				: "The client need not be kept any more.";
			return { id: client.id, said };
		}
		case "restrict_client": {
			const client = find(book.clients, command.client, "client", "client");
			const reason = command.reason.trim();
			if (reason === "") {
				delete client.restriction;
				delete client.restricted;
				return {
					id: client.id,
					said: "The restriction is lifted: what is kept may be used again.",
				};
			}
			client.restriction = { reason, since: instant, seat: "seat_1", by: "this desk" };
			client.restricted = true;
			return { id: client.id, said: "What is kept about the client is restricted." };
		}
		case "set_retention": {
			const months = command.months ?? undefined;
			if (months !== undefined && (months < 1 || months > 1200))
				throw refusal("invalid_input", "That is no time.", "Give 1 to 1200 months.", "months");
			book.retention = book.retention.map((rule) =>
				rule.kept !== command.kept
					? rule
					: { kept: rule.kept, ...(months === undefined ? {} : { months }) },
			);
			return { id: command.kept, said: "The rule is set. Nothing is erased by it." };
		}
		case "add_pet": {
			const client = find(book.clients, command.client, "client", "client");
			despite(client, command.despite_restriction);
			const made = id("pet");
			client.pets.push({
				id: made,
				name: named(command.name),
				species: command.species ?? "",
				breed: command.breed ?? "",
				microchip: command.microchip ?? "",
			});
			return { id: made, said: `${command.name} was added to ${client.name}.` };
		}
		case "edit_pet": {
			const pet = find(
				book.clients.flatMap((one) => one.pets),
				command.pet,
				"pet",
				"pet",
			);
			despite(
				book.clients.find((one) => one.pets.includes(pet)),
				command.despite_restriction,
			);
			if (command.name != null) pet.name = named(command.name);
			if (command.species != null) pet.species = command.species;
			if (command.breed != null) pet.breed = command.breed;
			if (command.microchip != null) pet.microchip = command.microchip;
			return { id: pet.id, said: `${pet.name} was saved.` };
		}
		case "add_card_note": {
			find(
				book.clients.flatMap((one) => [one, ...one.pets]),
				command.of,
				"client or pet",
				"of",
			);
			if (command.text.trim() === "")
				throw refusal("invalid_input", "The note is empty.", "Type what to note.", "text");
			despite(
				book.clients.find(
					(one) => one.id === command.of || one.pets.some((pet) => pet.id === command.of),
				),
				command.despite_restriction,
			);
			const made = id("note");
			const { of, card, text } = command;
			book.notes.push({ id: made, of, card, text, by: "this desk", at: instant });
			return { id: made, said: "The note is on the card." };
		}
		case "withdraw_card_note": {
			const note = find(book.notes, command.note, "note", "note");
			Object.assign(note, { withdrawn_by: "this desk", withdrawn_at: instant });
			return { id: note.id, said: "The note is withdrawn." };
		}
		case "book": {
			find(book.locations, command.location, "site", "location");
			const person = find(book.staff, command.staff, "person", "staff");
			const client = command.client
				? find(book.clients, command.client, "client", "client")
				: undefined;
			if (!command.service && !command.minutes)
				throw refusal(
					"invalid_input",
					"How long it takes is missing.",
					"Choose a service or a length.",
					"minutes",
				);
			if (command.service) find(book.services, command.service, "service", "service");
			const tried = (room: string | null): FakeVisit => ({
				...ghost(
					book,
					{ ...command, from: command.start, days: 1, limit: 1 },
					command.start,
					person.id,
					room,
				),
				id: `apt_${String(book.next).padStart(4, "0")}`,
			});
			const rooms = command.room
				? [command.room]
				: roomsFor(book, command.location, command.service);
			const room =
				rooms.find((one) => clashesOf(book, [tried(one)]).length === 0) ?? rooms[0] ?? null;
			const visit: FakeVisit = {
				...tried(room),
				id: id("apt"),
				...(client ? { client: client.id } : {}),
				pets: command.pets,
				note: command.note ?? "",
				title: client?.name ?? "",
				standing: "confirmed",
				madeBy: "This desk",
				madeAt: instant,
			};
			const warnings = agree(visit, command.double_book, command.despite_warnings);
			book.visits.push(visit);
			return {
				id: visit.id,
				said: `${visit.title || "Visit"} booked with ${person.name} at ${visit.start.slice(11)}.`,
				...(warnings?.length ? { warnings } : {}),
			};
		}
		case "block": {
			find(book.locations, command.location, "site", "location");
			if (!(command.minutes >= 1))
				throw refusal(
					"invalid_input",
					"It takes no time.",
					"Write at least one minute.",
					"minutes",
				);
			const [first] = command.resources;
			if (!first)
				throw refusal(
					"invalid_input",
					"Nothing is blocked.",
					"Choose a person or a room.",
					"resources",
				);
			const made = id("apt");
			book.visits.push({
				...ghost(
					book,
					{ location: command.location, minutes: command.minutes, from: "", days: 1, limit: 1 },
					command.start,
					first,
				),
				id: made,
				kind: "block",
				resources: command.resources,
				title: command.title?.trim() || "Blocked",
				standing: "confirmed",
				madeBy: "This desk",
				madeAt: instant,
			});
			return {
				id: made,
				said: `Blocked from ${command.start.slice(11)} to ${addMinutes(command.start, command.minutes).slice(11)}.`,
			};
		}
		case "move": {
			const visit = find(book.visits, command.appointment, "visit", "appointment");
			if (command.start != null) visit.start = command.start;
			if (command.staff != null) {
				if (visit.kind === "block")
					visit.resources = visit.resources.map((one) =>
						one === visit.staff ? (command.staff ?? one) : one,
					);
				visit.staff = find(book.staff, command.staff, "person", "staff").id;
			}
			if (command.room != null) visit.room = find(book.rooms, command.room, "room", "room").id;
			if (command.minutes != null) {
				if (command.minutes < 1)
					throw refusal(
						"invalid_input",
						"It takes no time.",
						"Write at least one minute.",
						"minutes",
					);
				visit.minutes = command.minutes;
			}
			const warnings = agree(visit, command.double_book, command.despite_warnings);
			return {
				id: visit.id,
				said: `${visit.title || "Visit"} moved to ${visit.start.slice(11)}.`,
				...(warnings?.length ? { warnings } : {}),
			};
		}
		case "cancel": {
			const visit = find(book.visits, command.appointment, "visit", "appointment");
			become(visit, "cancelled");
			if (command.reason?.trim()) visit.reasons.push(command.reason.trim());
			return { id: visit.id, said: `${visit.title || "Visit"} was cancelled.` };
		}
		case "set_state": {
			const visit = find(book.visits, command.appointment, "visit", "appointment");
			become(visit, command.state);
			return {
				id: visit.id,
				said: `${visit.title || "Visit"}: ${command.state.replace("_", " ")}.`,
			};
		}
		case "edit_visit": {
			const visit = find(book.visits, command.appointment, "visit", "appointment");
			if (command.note != null) visit.note = command.note;
			if (command.client != null)
				visit.client = find(book.clients, command.client, "client", "client").id;
			if (command.pets != null) visit.pets = command.pets;
			return { id: visit.id, said: "The visit was saved." };
		}
		case "decide": {
			for (const verdict of command.verdicts) {
				switch (verdict.type) {
					case "keep":
						find(book.visits, verdict.appointment, "visit").standing = "confirmed";
						break;
					case "move": {
						const visit = find(book.visits, verdict.appointment, "visit");
						visit.start = verdict.start;
						if (verdict.staff != null) visit.staff = verdict.staff;
						if (verdict.room != null) visit.room = verdict.room;
						break;
					}
					case "cancel":
						become(find(book.visits, verdict.appointment, "visit"), "cancelled");
						break;
					case "allow_overlap":
						find(book.visits, verdict.a, "visit").allowed.push(verdict.b);
						break;
				}
			}
			return { id: id("dec"), said: "Decided. Every desk will show it." };
		}
		case "take_back_from":
		case "undo":
			throw refusal("nothing_to_undo", "There is nothing to take back.", "");
	}
}

function become(visit: FakeVisit, state: VisitState): void {
	if (!NEXT[visit.state].includes(state))
		throw refusal(
			"illegal_transition",
			`It is ${visit.state.replace("_", " ")} already.`,
			"Look at the visit again.",
		);
	visit.state = state;
}
