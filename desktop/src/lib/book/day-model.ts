/**
 * What a day looks like: columns, the hours they work, and a block for every stretch of every visit.
 *
 * Pure: a `DayView` and the practice go in, geometry in minutes comes out. A visit with a processing
 * gap has two blocks in its column, so that another visit may lie in the gap; buffers are marked
 * inside their block. Nothing here knows of pixels.
 *
 * Start with `dayModel`.
 */
import type { DayView } from "../backend/types/DayView";
import type { PartView } from "../backend/types/PartView";
import type { PracticeView } from "../backend/types/PracticeView";
import type { VisitView } from "../backend/types/VisitView";
import { DAY_MINUTES, onDay } from "./civil";
import { lanes, type Lane } from "./lanes";
import { bookableAt } from "./people";

export type Mode = "staff" | "rooms";
export type Step = 5 | 10 | 15;

export interface Range {
	readonly from: number;
	readonly until: number;
}

/** A stretch of a visit in one column, without gaps. */
export interface Block extends Range, Lane {
	/** Unique on the day. */
	readonly key: string;
	readonly visit: VisitView;
	readonly column: string;
	/** Its number among the stretches of this visit in this column. */
	readonly stretch: number;
	/** Preparation and cleaning inside this stretch. */
	readonly buffers: readonly Range[];
	/** The gap that follows before the next stretch of the same visit, if there is one. */
	readonly gap?: Range;
}

export interface Column {
	readonly id: string;
	readonly name: string;
	readonly colour: number;
	/** What is outside of working hours, within the axis. */
	readonly closed: readonly Range[];
	/** Taken at another site. */
	readonly elsewhere: readonly (Range & { readonly site: string })[];
	readonly blocks: readonly Block[];
}

export interface DayModel {
	readonly date: string;
	readonly step: Step;
	/** First and last minute drawn, multiples of an hour. */
	readonly from: number;
	readonly until: number;
	readonly columns: readonly Column[];
	/** How many columns there are before the filter. */
	readonly total: number;
	readonly minutes: number;
	readonly cancelled: number;
}

export interface View {
	readonly mode: Mode;
	readonly step: Step;
	readonly hidden: ReadonlySet<string>;
	readonly showCancelled: boolean;
	readonly wholeDay: boolean;
}

export function dayModel(day: DayView, practice: PracticeView, view: View): DayModel {
	const shown = day.visits.filter((visit) => view.showCancelled || visit.state !== "cancelled");
	const parts = byResource(shown, day.date);
	const all = resources(day, practice, view.mode, parts);
	const axis = view.wholeDay ? { from: 0, until: DAY_MINUTES } : axisOf(day, parts);
	const columns = all
		.filter((resource) => !view.hidden.has(resource.id))
		.map((resource): Column => {
			const working = view.mode === "staff" ? (day.working[resource.id] ?? day.open) : day.open;
			return {
				...resource,
				closed: complement(dayRanges(working, day.date), axis),
				elsewhere: day.elsewhere
					.filter((taken) => taken.resource === resource.id)
					.map((taken) => ({
						from: Math.max(onDay(taken.from, day.date), axis.from),
						until: Math.min(onDay(taken.until, day.date), axis.until),
						site: siteName(practice, taken.location),
					}))
					.filter((range) => range.from < range.until),
				blocks: blocksOf(resource.id, parts.get(resource.id) ?? [], view.step),
			};
		});
	return {
		date: day.date,
		step: view.step,
		...axis,
		columns,
		total: all.length,
		minutes: day.minutes,
		cancelled: day.visits.filter((visit) => visit.state === "cancelled").length,
	};
}

/** The block that covers a minute of a column; of several the one in the first lane. */
export function blocksAt(model: DayModel, column: string, minute: number): readonly Block[] {
	const found = model.columns.find((one) => one.id === column);
	if (!found) return [];
	return found.blocks
		.filter((block) => block.from < minute + model.step && minute < block.until)
		.sort((a, b) => a.lane - b.lane);
}

interface OwnPart extends Range {
	readonly visit: VisitView;
	readonly buffer: boolean;
}

function byResource(visits: readonly VisitView[], date: string): Map<string, OwnPart[]> {
	const found = new Map<string, OwnPart[]>();
	for (const visit of visits) {
		for (const part of visit.parts) {
			const range = clamp(part, date);
			if (!range) continue;
			const own = { ...range, visit, buffer: part.buffer };
			const list = found.get(part.resource);
			if (list) list.push(own);
			else found.set(part.resource, [own]);
		}
	}
	return found;
}

function clamp(part: PartView, date: string): Range | undefined {
	const from = Math.max(0, onDay(part.from, date));
	const until = Math.min(DAY_MINUTES, onDay(part.until, date));
	return from < until ? { from, until } : undefined;
}

interface Resource {
	readonly id: string;
	readonly name: string;
	readonly colour: number;
}

/** Everyone who can be booked here, and everyone else who has a visit or a block here that day. */
function resources(
	day: DayView,
	practice: PracticeView,
	mode: Mode,
	parts: ReadonlyMap<string, unknown>,
): Resource[] {
	if (mode === "staff") {
		const bookable = new Set(bookableAt(practice, day.location));
		return practice.staff.filter((one) => parts.has(one.id) || bookable.has(one));
	}
	return practice.rooms
		.filter((one) => parts.has(one.id) || (!one.retired && one.location === day.location))
		.map((one, index) => ({ id: one.id, name: one.name, colour: index % 12 }));
}

/** An hour of air around opening hours and visits. */
function axisOf(day: DayView, parts: ReadonlyMap<string, readonly OwnPart[]>): Range {
	const ranges: Range[] = [...dayRanges(day.open, day.date), ...[...parts.values()].flat()];
	for (const working of Object.values(day.working)) {
		ranges.push(...dayRanges(working, day.date));
	}
	if (ranges.length === 0) return { from: 8 * 60, until: 18 * 60 };
	const first = Math.min(...ranges.map((range) => range.from));
	const last = Math.max(...ranges.map((range) => range.until));
	return {
		from: Math.max(0, Math.floor(first / 60 - 1) * 60),
		until: Math.min(DAY_MINUTES, Math.ceil(last / 60 + 1) * 60),
	};
}

function blocksOf(column: string, parts: readonly OwnPart[], step: Step): Block[] {
	const stretches: Omit<Block, keyof Lane>[] = [];
	for (const [visit, own] of groupBy(parts)) {
		const runs = runsOf(own);
		runs.forEach((run, stretch) => {
			const next = runs[stretch + 1];
			stretches.push({
				key: `${visit.id}/${column}/${String(stretch)}`,
				visit,
				column,
				stretch,
				from: run.from,
				until: run.until,
				buffers: run.buffers,
				...(next ? { gap: { from: run.until, until: next.from } } : {}),
			});
		});
	}
	// A five-minute visit is still drawn one row high: what is drawn must not cover its neighbour.
	const found = lanes(
		stretches.map((one) => ({ ...one, until: Math.max(one.until, one.from + step) })),
	);
	return stretches
		.map((one) => ({ ...one, ...(found.get(one.key) ?? { lane: 0, of: 1, wide: 1 }) }))
		.sort((a, b) => a.from - b.from || a.lane - b.lane);
}

function groupBy(parts: readonly OwnPart[]): Map<VisitView, OwnPart[]> {
	const groups = new Map<VisitView, OwnPart[]>();
	for (const part of parts) {
		const list = groups.get(part.visit);
		if (list) list.push(part);
		else groups.set(part.visit, [part]);
	}
	return groups;
}

function runsOf(parts: readonly OwnPart[]): { from: number; until: number; buffers: Range[] }[] {
	const runs: { from: number; until: number; buffers: Range[] }[] = [];
	for (const part of [...parts].sort((a, b) => a.from - b.from || a.until - b.until)) {
		let run = runs.at(-1);
		if (!run || part.from > run.until) {
			run = { from: part.from, until: part.until, buffers: [] };
			runs.push(run);
		}
		run.until = Math.max(run.until, part.until);
		if (part.buffer) run.buffers.push({ from: part.from, until: part.until });
	}
	return runs;
}

/** Pairs of civil times as ranges of the axis, cut to the day. */
export function dayRanges(pairs: readonly (readonly [string, string])[], date: string): Range[] {
	return pairs
		.map(([from, until]) => ({
			from: Math.max(0, onDay(from, date)),
			until: Math.min(DAY_MINUTES, onDay(until, date)),
		}))
		.filter((range) => range.from < range.until)
		.sort((a, b) => a.from - b.from);
}

function complement(ranges: readonly Range[], axis: Range): Range[] {
	const found: Range[] = [];
	let at = axis.from;
	for (const range of ranges) {
		if (range.from > at) found.push({ from: at, until: Math.min(range.from, axis.until) });
		at = Math.max(at, range.until);
	}
	if (at < axis.until) found.push({ from: at, until: axis.until });
	return found;
}

function siteName(practice: PracticeView, location: string): string {
	return practice.locations.find((one) => one.id === location)?.name ?? "";
}
