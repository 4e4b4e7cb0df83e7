/**
 * Where the cursor of the day grid goes, and what a key means there.
 *
 * Pure: the same model as the drawing. A cell is a row of a column; a visit is a cell that spans
 * several rows, so that arrow down leaves it at its end and arrow right goes through visits that lie
 * side by side before it enters the next column.
 *
 * Start with `step` and `meaning`.
 */
import { blocksAt, type Block, type DayModel } from "./day-model";

export interface Cursor {
	readonly column: string;
	readonly minute: number;
	/** The block under the cursor, where there is one. */
	readonly block?: string;
}

export type Direction = "up" | "down" | "left" | "right" | "first" | "last";

/** One move of the cursor; `free` ignores visits, as when something is being placed. */
export function step(model: DayModel, cursor: Cursor, direction: Direction, free = false): Cursor {
	const index = columnIndex(model, cursor.column);
	const here = free ? undefined : blockUnder(model, cursor);
	switch (direction) {
		case "up":
			return at(model, index, (here ? floor(model, here.from) : cursor.minute) - model.step, free);
		case "down":
			return at(model, index, here ? after(model, here) : cursor.minute + model.step, free);
		case "right": {
			const beside = neighbour(model, cursor, here, 1);
			return beside ?? at(model, index + 1, cursor.minute, free);
		}
		case "left": {
			const beside = neighbour(model, cursor, here, -1);
			if (beside) return beside;
			const next = at(model, index - 1, cursor.minute, free);
			if (free || index === 0) return next;
			const last = blocksAt(model, next.column, next.minute).at(-1);
			return last ? { ...next, block: last.key } : next;
		}
		case "first":
			return at(model, index, model.from, free);
		case "last":
			return at(model, index, model.until - model.step, free);
	}
}

/** The cell at a minute of a column, with the visit that covers it. */
export function cellAt(model: DayModel, column: string, minute: number): Cursor {
	return at(model, columnIndex(model, column), minute, false);
}

/** The cursor of a block. */
export function cursorOn(model: DayModel, block: Block): Cursor {
	return { column: block.column, minute: floor(model, block.from), block: block.key };
}

/** Puts the cursor back on the day after the day has changed. */
export function settle(model: DayModel, cursor: Cursor | undefined): Cursor | undefined {
	const first = model.columns[0];
	if (!first) return undefined;
	if (!cursor) return at(model, 0, model.from, false);
	if (cursor.block !== undefined) {
		const column = model.columns.find((one) => one.id === cursor.column);
		const kept = column?.blocks.find((block) => block.key === cursor.block);
		if (kept) return { ...cursor, minute: inside(model, kept, cursor.minute) };
	}
	return cellAt(model, cursor.column, cursor.minute);
}

export function blockUnder(model: DayModel, cursor: Cursor): Block | undefined {
	if (cursor.block === undefined) return undefined;
	const column = model.columns.find((one) => one.id === cursor.column);
	return column?.blocks.find((block) => block.key === cursor.block);
}

/** What a key means on the grid; the names of the controller's actions. */
export type Meaning =
	| { readonly type: "move"; readonly direction: Direction }
	| { readonly type: "day"; readonly days: number }
	| { readonly type: "length"; readonly rows: 1 | -1 }
	| { readonly type: Action };

export type Action =
	"now" | "new" | "open" | "cut" | "advance" | "block" | "cancel" | "find" | "escape";

const MOVES: Readonly<Record<string, Direction>> = {
	ArrowUp: "up",
	ArrowDown: "down",
	ArrowLeft: "left",
	ArrowRight: "right",
	End: "last",
};

const ACTIONS: Readonly<Record<string, Action>> = {
	Home: "now",
	n: "new",
	Enter: "open",
	m: "cut",
	c: "advance",
	b: "block",
	x: "cancel",
	Delete: "cancel",
	f: "find",
	Escape: "escape",
};

export interface Key {
	readonly key: string;
	readonly ctrlKey: boolean;
	readonly altKey: boolean;
	readonly metaKey: boolean;
	readonly shiftKey?: boolean;
}

/** Keys held with a modifier belong to the window, not to the grid. */
export function meaning(event: Key, rightToLeft = false): Meaning | undefined {
	if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
	const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
	if (key === "PageUp") return { type: "day", days: -1 };
	if (key === "PageDown") return { type: "day", days: 1 };
	if (key === "+" || (event.shiftKey && key === "ArrowDown")) return { type: "length", rows: 1 };
	if (key === "-" || (event.shiftKey && key === "ArrowUp")) return { type: "length", rows: -1 };
	const direction = MOVES[key];
	if (direction) return { type: "move", direction: rightToLeft ? mirror(direction) : direction };
	const action = ACTIONS[key];
	return action ? { type: action } : undefined;
}

function mirror(direction: Direction): Direction {
	if (direction === "left") return "right";
	return direction === "right" ? "left" : direction;
}

function at(model: DayModel, index: number, minute: number, free: boolean): Cursor {
	const column = model.columns[clamp(index, 0, model.columns.length - 1)];
	const row = clamp(floor(model, minute), model.from, model.until - model.step);
	if (!column) return { column: "", minute: row };
	const block = free ? undefined : blocksAt(model, column.id, row)[0];
	return { column: column.id, minute: row, ...(block ? { block: block.key } : {}) };
}

function neighbour(
	model: DayModel,
	cursor: Cursor,
	here: Block | undefined,
	by: 1 | -1,
): Cursor | undefined {
	if (!here) return undefined;
	const beside = blocksAt(model, cursor.column, cursor.minute);
	const next = beside[beside.findIndex((block) => block.key === here.key) + by];
	if (!next || next.key === here.key) return undefined;
	return { ...cursor, block: next.key };
}

/** The first row that a block does not reach into. */
function after(model: DayModel, block: Block): number {
	return Math.max(ceil(model, block.until), floor(model, block.from) + model.step);
}

function inside(model: DayModel, block: Block, minute: number): number {
	const first = floor(model, block.from);
	return clamp(minute, first, Math.max(first, after(model, block) - model.step));
}

function columnIndex(model: DayModel, column: string): number {
	return Math.max(
		0,
		model.columns.findIndex((one) => one.id === column),
	);
}

function floor(model: DayModel, minute: number): number {
	return Math.floor(minute / model.step) * model.step;
}

function ceil(model: DayModel, minute: number): number {
	return Math.ceil(minute / model.step) * model.step;
}

function clamp(value: number, least: number, most: number): number {
	return Math.min(Math.max(value, least), Math.max(least, most));
}
