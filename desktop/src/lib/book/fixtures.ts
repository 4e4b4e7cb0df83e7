/** Small days for tests: readable timetables instead of objects. */
import type { DayView } from "../backend/types/DayView";
import type { PracticeView } from "../backend/types/PracticeView";
import type { VisitView } from "../backend/types/VisitView";

export const DATE = "2026-03-02";

/** `visit("rex", "ann 09:00-09:20, ann 09:20-09:30 buffer")` */
export function visit(id: string, timetable: string, more: Partial<VisitView> = {}): VisitView {
	const parts = timetable.split(",").map((text) => {
		const [resource = "", range = "", buffer] = text.trim().split(" ");
		const dash = range.indexOf("-");
		const from = range.slice(0, dash);
		const until = range.slice(dash + 1);
		return {
			resource,
			from: `${DATE}T${from}`,
			until: until.includes("T") ? until : `${DATE}T${until}`,
			buffer: buffer === "buffer",
		};
	});
	const work = parts.filter((part) => !part.buffer);
	const start = work[0]?.from ?? "";
	const end = work.at(-1)?.until ?? "";
	return {
		id,
		kind: "visit",
		start,
		end,
		starts: `${start}:00Z`,
		ends: `${end}:00Z`,
		parts,
		state: "booked",
		standing: "confirmed",
		source: "desk",
		flagged: false,
		doubled: false,
		details: { title: id, pets: [], reasons: [] },
		...more,
	};
}

export function day(visits: VisitView[], more: Partial<DayView> = {}): DayView {
	return {
		location: "here",
		date: DATE,
		zone: "Europe/Madrid",
		starts: "2026-03-01T23:00:00Z",
		minutes: 1440,
		open: [[`${DATE}T09:00:00`, `${DATE}T17:00:00`]],
		working: {},
		visits,
		elsewhere: [],
		...more,
	};
}

/** A practice with the named staff and two rooms at one site. */
export function practice(staff: string[]): PracticeView {
	const location = "here";
	return {
		name: "Practice",
		role: "receptionist",
		locations: [{ id: location, name: "Here", zone: "Europe/Madrid", weekly: [], closed: [] }],
		staff: staff.map((id, index) => ({
			id,
			name: id,
			role: "vet",
			locations: [location],
			colour: index % 12,
			retired: false,
			hours: {},
			closed: [],
		})),
		rooms: ["room1", "room2"].map((id) => ({
			id,
			name: id,
			location,
			capacity: 1,
			retired: false,
		})),
		services: [],
	};
}
