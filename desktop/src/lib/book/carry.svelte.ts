/**
 * A visit in the hand: dragged by pointer, cut by keyboard, resized, or an empty range being drawn.
 *
 * The ghost knows its new time at once and, as soon as the replica has said so, what it would clash
 * with. Nothing is changed before `drop`.
 */
import type { Backend } from "../backend/backend";
import type { CheckQuery } from "../backend/types/CheckQuery";
import type { MoveVisit } from "../backend/types/MoveVisit";
import type { PracticeView } from "../backend/types/PracticeView";
import type { VisitView } from "../backend/types/VisitView";
import { PlaceCheck } from "./check.svelte";
import { civilAt, onDay } from "./civil";
import type { Mode } from "./day-model";
import { roomOf, staffOf } from "./people";

export type CarryKind = "move" | "resize" | "create";

export interface CarryFrom {
	readonly kind: CarryKind;
	readonly by: "pointer" | "keyboard";
	readonly visit?: VisitView;
	readonly column: string;
	/** Start of the visit, or of the drawn range, on the axis of the day. */
	readonly minute: number;
	readonly minutes: number;
}

export class Carry {
	column = $state("");
	minute = $state(0);
	minutes = $state(0);

	readonly kind: CarryKind;
	readonly by: "pointer" | "keyboard";
	readonly visit: VisitView | undefined;
	readonly check: PlaceCheck;

	/** Whether it stands elsewhere than where it was taken up. */
	readonly moved = $derived.by(
		() =>
			this.column !== this.from.column ||
			this.minute !== this.from.minute ||
			this.minutes !== this.from.minutes ||
			this.date !== this.takenOn,
	);

	/** The day in view; a visit that was cut can be placed on another day. */
	date = $state("");
	readonly takenOn: string;

	constructor(
		backend: Backend,
		private readonly practice: PracticeView,
		private readonly location: string,
		private readonly mode: Mode,
		date: string,
		private readonly from: CarryFrom,
	) {
		this.kind = from.kind;
		this.by = from.by;
		this.visit = from.visit;
		this.column = from.column;
		this.minute = from.minute;
		this.minutes = from.minutes;
		this.date = date;
		this.takenOn = date;
		this.check = new PlaceCheck(backend);
	}

	/** Puts the ghost somewhere and asks what would happen there. */
	to(place: { column?: string; minute?: number; minutes?: number; date?: string }): void {
		this.column = place.column ?? this.column;
		this.minute = place.minute ?? this.minute;
		this.minutes = place.minutes ?? this.minutes;
		this.date = place.date ?? this.date;
		const question = this.#question();
		if (question && this.moved) this.check.ask(question);
		else this.check.clear();
	}

	/** The move that dropping it here means. */
	wish(): MoveVisit | undefined {
		if (!this.visit || !this.moved) return undefined;
		const other = this.column !== this.from.column;
		return {
			appointment: this.visit.id,
			...(this.kind === "resize" ? {} : { start: civilAt(this.date, this.minute) }),
			...(other && this.mode === "staff" ? { staff: this.column } : {}),
			...(other && this.mode === "rooms" ? { room: this.column } : {}),
			...(this.kind === "resize" ? { minutes: this.minutes } : {}),
			despite_warnings: false,
		};
	}

	#question(): CheckQuery | undefined {
		const visit = this.visit;
		const inStaff = this.mode === "staff";
		const staff = inStaff ? this.column : visit && staffOf(visit, this.practice);
		if (staff === undefined) return undefined;
		const room = inStaff ? visit && roomOf(visit, this.practice) : this.column;
		const service = visit?.details?.service;
		return {
			location: this.location,
			start: civilAt(this.date, this.minute),
			staff,
			...(visit ? { appointment: visit.id } : {}),
			...(room === undefined ? {} : { room }),
			...(service === undefined ? {} : { service }),
			...(this.kind === "move" && service !== undefined ? {} : { minutes: this.minutes }),
		};
	}
}

/** Length of the work of a visit. */
export function lengthOf(visit: VisitView): number {
	const date = visit.start.slice(0, 10);
	return Math.max(1, onDay(visit.end, date) - onDay(visit.start, date));
}
