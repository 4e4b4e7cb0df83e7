/** How long the in-memory practice keeps records, and whose time is over. */
import type { DueView } from "../types/DueView";
import type { RecordKind } from "../types/RecordKind";
import type { RetentionView } from "../types/RetentionView";
import type { Book } from "./world";

export const KINDS: readonly RecordKind[] = [
	"contact",
	"handling",
	"clinical",
	"grooming",
	"payments",
];

function later(date: string, months: number): string {
	const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
	const last = new Date(Date.UTC(year, month - 1 + months + 1, 0)).getUTCDate();
	const at = new Date(Date.UTC(year, month - 1 + months, Math.min(day, last)));
	return at.toISOString().slice(0, 10);
}

export function retentionView(book: Book, today: string): RetentionView {
	const due: DueView[] = [];
	for (const client of book.clients) {
		const subjects = [client.id, ...client.pets.map((pet) => pet.id)];
		const cards = book.notes.filter((note) => subjects.includes(note.of)).map((note) => note.card);
		const rules = book.retention.filter(
			(rule) => rule.kept === "contact" || cards.includes(rule.kept),
		);
		const counted = book.visits.filter(
			(visit) => visit.client === client.id && !["cancelled", "no_show"].includes(visit.state),
		);
		const days = counted.map((visit) => visit.start.slice(0, 10));
		const last = days
			.filter((day) => day <= today)
			.sort()
			.at(-1);
		const ends = rules.map((rule) =>
			rule.months === undefined || last === undefined ? "9999-12-31" : later(last, rule.months),
		);
		const since = ends.sort().at(-1);
		if (last === undefined || since === undefined || since > today) continue;
		const coming = days.filter((day) => day > today).length;
		due.push({
			client: client.id,
			name: client.name,
			last,
			visited: true,
			since,
			rules,
			coming,
			...(client.hold ? { hold: client.hold } : {}),
			...(client.restricted ? { restricted: true } : {}),
			free: !client.hold && !client.restricted && coming === 0,
		});
	}
	due.sort((a, b) => a.since.localeCompare(b.since));
	return { rules: book.retention, due, total: due.length };
}
