/**
 * Where visits lie in the in-memory practice: parts, clashes, working time, free slots.
 *
 * Pure functions over a `Book`. Times are civil text of the site and compare as text.
 */
import { addDays, addMinutes, civilAt, dateOf, minutesBetween, weekday } from "../../clock";
import type { ClashView } from "../types/ClashView";
import type { PartView } from "../types/PartView";
import type { SlotView } from "../types/SlotView";
import type { Warning } from "../types/Warning";
import type { Book, FakeVisit } from "./world";

/** The instant of a civil time in a zone; the earlier one where the clock goes back. */
export function instantOf(civil: string, zone: string): string {
	const wanted = Date.parse(`${civil}:00Z`);
	let guess = wanted;
	for (let round = 0; round < 3; round += 1) {
		const shown = Date.parse(`${civilAt(new Date(guess), zone)}:00Z`);
		guess += wanted - shown;
	}
	return new Date(guess).toISOString();
}

/** What a visit occupies, part by part. */
export function partsOf(book: Book, visit: FakeVisit): PartView[] {
	const part = (resource: string, offset: number, minutes: number, buffer: boolean): PartView => ({
		resource,
		from: addMinutes(visit.start, offset),
		until: addMinutes(visit.start, offset + minutes),
		buffer,
	});
	if (visit.kind === "block") return visit.resources.map((id) => part(id, 0, visit.minutes, false));
	const service = book.services.find((one) => one.id === visit.service);
	const pattern =
		service && service.minutes === visit.minutes
			? service.parts
			: [{ offset_minutes: 0, minutes: visit.minutes, staff: true, room: true, buffer: false }];
	return pattern.flatMap((one) => [
		...(one.staff ? [part(visit.staff, one.offset_minutes, one.minutes, one.buffer)] : []),
		...(one.room && visit.room
			? [part(visit.room, one.offset_minutes, one.minutes, one.buffer)]
			: []),
	]);
}

export function holdsSlot(visit: FakeVisit): boolean {
	return visit.state !== "cancelled" && visit.state !== "no_show" && visit.standing !== "refused";
}

function capacityOf(book: Book, resource: string): number {
	return book.rooms.find((room) => room.id === resource)?.capacity ?? 1;
}

/** Everything that takes more than there is, between the given visits and all others. */
export function clashesOf(book: Book, among: FakeVisit[] = book.visits): ClashView[] {
	const found = new Map<string, ClashView>();
	const all = book.visits.filter(holdsSlot);
	for (const one of among.filter(holdsSlot)) {
		for (const mine of partsOf(book, one)) {
			const beside = all.flatMap((other) =>
				other.id === one.id || other.allowed.includes(one.id) || one.allowed.includes(other.id)
					? []
					: partsOf(book, other)
							.filter(
								(p) => p.resource === mine.resource && p.from < mine.until && mine.from < p.until,
							)
							.map((p) => ({ id: other.id, part: p })),
			);
			if (beside.length < capacityOf(book, mine.resource)) continue;
			const claims = [...new Set([one.id, ...beside.map((b) => b.id)])].sort();
			const from = [mine.from, ...beside.map((b) => b.part.from)].sort().at(-1) ?? mine.from;
			const until = [mine.until, ...beside.map((b) => b.part.until)].sort()[0] ?? mine.until;
			found.set(`${mine.resource} ${claims.join(" ")}`, {
				resource: mine.resource,
				from,
				until,
				claims,
			});
		}
	}
	return [...found.values()].sort(
		(a, b) => a.from.localeCompare(b.from) || a.resource.localeCompare(b.resource),
	);
}

/** When a site is open on a date, on its own clock. */
export function openOn(book: Book, location: string, date: string): [string, string][] {
	const site = book.locations.find((one) => one.id === location);
	if (!site || site.closed.includes(date)) return [];
	return site.weekly[weekday(date)] ?? [];
}

/** When a person works at a site on a date. */
export function workingOn(
	book: Book,
	staff: string,
	location: string,
	date: string,
): [string, string][] {
	const person = book.staff.find((one) => one.id === staff);
	if (!person?.locations.includes(location)) return [];
	const own = person.hours[location];
	return own ? (own[weekday(date)] ?? []) : openOn(book, location, date);
}

function inside(ranges: [string, string][], start: string, end: string): boolean {
	const date = dateOf(start);
	return ranges.some(([from, until]) => {
		const last = until === "00:00" ? `${addDays(date, 1)}T00:00` : `${date}T${until}`;
		return `${date}T${from}` <= start && end <= last;
	});
}

/** What a person should know about a place in time. */
export function warningsOf(book: Book, visit: FakeVisit, now: string): Warning[] {
	const end = addMinutes(visit.start, visit.minutes);
	const date = dateOf(visit.start);
	const warnings: Warning[] = [];
	if (visit.start < now) warnings.push("in_the_past");
	if (!inside(openOn(book, visit.location, date), visit.start, end)) warnings.push("site_closed");
	else if (
		visit.kind === "visit" &&
		!inside(workingOn(book, visit.staff, visit.location, date), visit.start, end)
	)
		warnings.push("staff_not_working");
	const service = book.services.find((one) => one.id === visit.service);
	if (service && service.staff.length > 0 && !service.staff.includes(visit.staff))
		warnings.push("staff_not_for_service");
	if (minutesBetween(now, visit.start) > 2 * 365 * 1440) warnings.push("far_ahead");
	return warnings;
}

export interface Wanted {
	location: string;
	service?: string | null | undefined;
	minutes?: number | null | undefined;
	staff?: string | null | undefined;
	room?: string | null | undefined;
	from: string;
	days: number;
	limit: number;
	/** A visit that is being moved and so is not in its own way. */
	moving?: string | null | undefined;
}

/** A visit that is not booked, to try places with. */
export function ghost(
	book: Book,
	wanted: Wanted,
	start: string,
	staff: string,
	room?: string | null,
): FakeVisit {
	const service = book.services.find((one) => one.id === wanted.service);
	return {
		id: wanted.moving ?? "apt_ghost",
		kind: "visit",
		location: wanted.location,
		start,
		minutes: wanted.minutes ?? service?.minutes ?? 15,
		staff,
		...(room ? { room } : {}),
		resources: [],
		...(service ? { service: service.id } : {}),
		pets: [],
		note: "",
		title: "",
		state: "booked",
		standing: "tentative",
		source: "desk",
		madeBy: "",
		madeAt: "",
		reasons: [],
		allowed: [],
	};
}

/** Rooms a service may use at a site; `null` stands for "needs none". */
export function roomsFor(
	book: Book,
	location: string,
	service: string | null | undefined,
): (string | null)[] {
	const what = book.services.find((one) => one.id === service);
	if (!what || what.rooms.length === 0) return [null];
	return what.rooms.filter((id) =>
		book.rooms.some((r) => r.id === id && r.location === location && !r.retired),
	);
}

/** Free places, ascending by start. */
export function freeSlots(book: Book, wanted: Wanted): SlotView[] {
	const slots: SlotView[] = [];
	const service = book.services.find((one) => one.id === wanted.service);
	const people = book.staff.filter(
		(one) =>
			!one.retired &&
			one.locations.includes(wanted.location) &&
			(!wanted.staff || one.id === wanted.staff) &&
			(!service || service.staff.length === 0 || service.staff.includes(one.id)),
	);
	const rooms = wanted.room ? [wanted.room] : roomsFor(book, wanted.location, wanted.service);
	for (let day = 0; day < wanted.days && slots.length < wanted.limit; day += 1) {
		const date = addDays(dateOf(wanted.from), day);
		for (let minute = 0; minute < 1440 && slots.length < wanted.limit; minute += 10) {
			const start = addMinutes(`${date}T00:00`, minute);
			if (start < wanted.from) continue;
			for (const person of people) {
				const room = rooms.find((one) => {
					const tried = ghost(book, wanted, start, person.id, one);
					const end = addMinutes(start, tried.minutes);
					return (
						inside(workingOn(book, person.id, wanted.location, date), start, end) &&
						inside(openOn(book, wanted.location, date), start, end) &&
						clashesOf(book, [tried]).length === 0
					);
				});
				if (room === undefined) continue;
				slots.push(slotView(book, ghost(book, wanted, start, person.id, room)));
				if (slots.length >= wanted.limit) break;
			}
		}
	}
	return slots;
}

export function slotView(book: Book, visit: FakeVisit): SlotView {
	const room = book.rooms.find((one) => one.id === visit.room);
	return {
		start: visit.start,
		end: addMinutes(visit.start, visit.minutes),
		staff: visit.staff,
		staff_name: book.staff.find((one) => one.id === visit.staff)?.name ?? visit.staff,
		...(room ? { room: room.id, room_name: room.name } : {}),
	};
}
