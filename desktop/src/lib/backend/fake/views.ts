/** Answers of the in-memory practice: its book, seen as screens see it. Pure. */
import { addDays, addMinutes, dateOf } from "../../clock";
import type { ClientView } from "../types/ClientView";
import type { DayView } from "../types/DayView";
import type { PastVisit } from "../types/PastVisit";
import type { ReviewView } from "../types/ReviewView";
import type { TakenView } from "../types/TakenView";
import type { VisitDetails } from "../types/VisitDetails";
import type { VisitState } from "../types/VisitState";
import type { VisitView } from "../types/VisitView";
import { alertsOf } from "./cards";
import { clashesOf, freeSlots, holdsSlot, instantOf, openOn, partsOf, workingOn } from "./plan";
import type { Book, FakeVisit } from "./world";

export const NEXT: Record<VisitState, VisitState[]> = {
	booked: ["arrived", "in_progress", "no_show", "cancelled"],
	arrived: ["booked", "in_progress", "done", "cancelled"],
	in_progress: ["arrived", "done"],
	done: ["in_progress"],
	no_show: ["booked", "arrived"],
	cancelled: ["booked"],
};

function zoneOf(book: Book, location: string): string {
	return book.locations.find((one) => one.id === location)?.zone ?? "Etc/UTC";
}

export function visitView(book: Book, visit: FakeVisit, flagged = flaggedIn(book)): VisitView {
	const zone = zoneOf(book, visit.location);
	const parts = partsOf(book, visit);
	const last =
		parts
			.map((p) => p.until)
			.sort()
			.at(-1) ?? visit.start;
	const client = book.clients.find((one) => one.id === visit.client);
	const service = book.services.find((one) => one.id === visit.service);
	return {
		id: visit.id,
		kind: visit.kind,
		start: visit.start,
		end: addMinutes(visit.start, visit.minutes),
		starts: instantOf(visit.start, zone),
		ends: instantOf(last, zone),
		parts,
		state: visit.state,
		standing: visit.standing,
		source: visit.source,
		flagged: flagged.has(visit.id),
		doubled: false,
		details: {
			title: client?.name ?? visit.title,
			...(client ? { client: client.id } : {}),
			...(client?.phones[0] ? { phone: client.phones[0] } : {}),
			pets: client?.pets.filter((pet) => visit.pets.includes(pet.id)) ?? [],
			...(service ? { service: service.id, service_name: service.name } : {}),
			...(visit.note ? { note: visit.note } : {}),
			reasons: visit.reasons,
			alerts: alertsOf(book, [client?.id ?? "", ...visit.pets]),
		},
	};
}

function flaggedIn(book: Book): Set<string> {
	return new Set(clashesOf(book).flatMap((clash) => clash.claims));
}

export function dayView(book: Book, location: string, date: string): DayView {
	const zone = zoneOf(book, location);
	const starts = instantOf(`${date}T00:00`, zone);
	const ends = instantOf(`${addDays(date, 1)}T00:00`, zone);
	const flagged = flaggedIn(book);
	const people = book.staff.filter((one) => one.locations.includes(location));
	const onDay = (visit: FakeVisit) => dateOf(visit.start) === date;
	return {
		location,
		date,
		zone,
		starts,
		minutes: (Date.parse(ends) - Date.parse(starts)) / 60_000,
		open: openOn(book, location, date),
		working: Object.fromEntries(
			people.map((one) => [one.id, workingOn(book, one.id, location, date)]),
		),
		visits: book.visits
			.filter((visit) => visit.location === location && onDay(visit))
			.sort((a, b) => a.start.localeCompare(b.start) || a.id.localeCompare(b.id))
			.map((visit) => visitView(book, visit, flagged)),
		elsewhere: book.visits
			.filter((visit) => visit.location !== location && onDay(visit) && holdsSlot(visit))
			.flatMap((visit): TakenView[] =>
				partsOf(book, visit)
					.filter((part) => people.some((one) => one.id === part.resource))
					.map(({ resource, from, until }) => ({
						resource,
						location: visit.location,
						from,
						until,
					})),
			),
	};
}

export function visitDetails(book: Book, visit: FakeVisit): VisitDetails {
	return {
		visit: visitView(book, visit),
		location: visit.location,
		next_states: NEXT[visit.state],
		reviews: reviewsOf(book)
			.filter((review) => review.visits.some((one) => one.visit.id === visit.id))
			.map((review) => review.id),
	};
}

/** Clashes that touch each other wait as one review. */
export function reviewsOf(book: Book): ReviewView[] {
	const groups: { claims: Set<string>; resources: Set<string> }[] = [];
	for (const clash of clashesOf(book)) {
		const touching = groups.filter((group) => clash.claims.some((id) => group.claims.has(id)));
		const merged = { claims: new Set(clash.claims), resources: new Set([clash.resource]) };
		for (const group of touching) {
			group.claims.forEach((id) => merged.claims.add(id));
			group.resources.forEach((id) => merged.resources.add(id));
			groups.splice(groups.indexOf(group), 1);
		}
		groups.push(merged);
	}
	return groups
		.map((group) => review(book, [...group.claims].sort(), [...group.resources]))
		.sort((a, b) => a.starts.localeCompare(b.starts));
}

function review(book: Book, claims: string[], resources: string[]): ReviewView {
	const visits = claims
		.flatMap((id) => book.visits.filter((visit) => visit.id === id))
		.sort((a, b) => a.madeAt.localeCompare(b.madeAt));
	const names = resources.map(
		(id) => [...book.staff, ...book.rooms].find((one) => one.id === id)?.name ?? id,
	);
	const views = visits.map((visit) => ({
		visit: visitView(book, visit),
		location: visit.location,
		location_name: book.locations.find((one) => one.id === visit.location)?.name ?? "",
		made_by: visit.madeBy,
		made_at: visit.madeAt,
		alternatives: freeSlots(book, {
			location: visit.location,
			service: visit.service,
			minutes: visit.minutes,
			staff: visit.staff,
			from: visit.start,
			days: 7,
			limit: 3,
			moving: visit.id,
		}),
	}));
	const [first, second] = views;
	const better = second?.alternatives[0];
	const decided = first?.visit.standing === "confirmed" && second?.visit.standing !== "confirmed";
	return {
		id: `review-${claims.join("-")}`,
		kind: "clash",
		starts: views.map((one) => one.visit.starts).sort()[0] ?? "",
		why: `${names.join(" and ")} cannot take ${visits.length} visits at once.`,
		resources: names,
		visits: views,
		...(first && second && better && decided
			? {
					suggestion: {
						because: "The first is confirmed by the relay, the second is not.",
						verdicts: [
							{ type: "keep" as const, appointment: first.visit.id },
							{
								type: "move" as const,
								appointment: second.visit.id,
								start: better.start,
								staff: better.staff,
								...(better.room ? { room: better.room } : {}),
							},
						],
					},
				}
			: {}),
		may_decide: true,
	};
}

export function clientView(book: Book, id: string): ClientView | undefined {
	const client = book.clients.find((one) => one.id === id);
	if (!client) return undefined;
	const { note, hold, restriction, ...summary } = client;
	const visits = book.visits
		.filter((visit) => visit.client === id)
		.sort((a, b) => b.start.localeCompare(a.start))
		.slice(0, 50)
		.map((visit): PastVisit => ({
			id: visit.id,
			location: visit.location,
			start: visit.start,
			resources: [visit.staff, ...(visit.room ? [visit.room] : [])],
			...(visit.service ? { service: visit.service } : {}),
			state: visit.state,
		}));
	const last = visits.find((visit) => visit.state !== "cancelled");
	const alerts = alertsOf(book, [id, ...client.pets.map((pet) => pet.id)]);
	return {
		client: summary,
		note,
		...(hold ? { hold } : {}),
		...(restriction ? { restriction } : {}),
		visits,
		alerts,
		...(last ? { last } : {}),
	};
}

/** Digits find phones of four digits up (or a microchip after `#`), letters find clients and pets. */
export function search(book: Book, text: string): Book["clients"] {
	const wanted = text.trim().toLowerCase();
	const plain = (word: string) => word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
	const digits = wanted.replace(/\D/g, "");
	if (wanted === "") return [];
	if (wanted.startsWith("#"))
		return book.clients.filter(
			(one) => digits !== "" && one.pets.some((pet) => pet.microchip.includes(digits)),
		);
	if (/^[\d\s+().-]+$/.test(wanted))
		return digits.length < 3
			? []
			: book.clients.filter((one) =>
					one.phones.some((phone) => phone.replace(/\D/g, "").includes(digits)),
				);
	const words = plain(wanted).split(/\s+/);
	return book.clients.filter((one) => {
		const names = plain([one.name, ...one.pets.map((pet) => pet.name)].join(" ")).split(/\s+/);
		return words.every((word) => names.some((name) => name.startsWith(word)));
	});
}
