import { describe, expect, it } from "vitest";
import { clock } from "./civil";
import { dayModel } from "./day-model";
import { day, practice, visit } from "./fixtures";
import { cellAt, meaning, settle, step, type Cursor, type Direction } from "./keyboard";

const model = dayModel(
	day([
		visit("rex", "ann 09:00-09:40"),
		visit("tom", "ann 09:00-09:20"),
		visit("kit", "bo 09:15-09:45"),
	]),
	practice(["ann", "bo"]),
	{ mode: "staff", step: 15, hidden: new Set(), showCancelled: false, wholeDay: false },
);

/** Walks from a cell: `walk("ann 08:45", "down right")` says where it ends. */
function walk(from: string, keys: string, free = false): string {
	const [column = "", time = ""] = from.split(" ");
	let cursor: Cursor = cellAt(model, column, Number(time.slice(0, 2)) * 60 + Number(time.slice(3)));
	for (const key of keys.split(" ").filter((one) => one !== "")) {
		cursor = step(model, cursor, key as Direction, free);
	}
	const block = cursor.block?.split("/")[0];
	return `${cursor.column} ${clock(cursor.minute)}${block ? ` on ${block}` : ""}`;
}

describe("the cursor", () => {
	it("goes by rows and columns over empty cells", () => {
		expect(walk("ann 11:00", "down")).toBe("ann 11:15");
		expect(walk("ann 11:00", "up up")).toBe("ann 10:30");
		expect(walk("ann 11:00", "right")).toBe("bo 11:00");
		expect(walk("bo 11:00", "left")).toBe("ann 11:00");
	});
	it("enters a visit and leaves it at its end, as a merged cell", () => {
		expect(walk("ann 08:45", "down")).toBe("ann 09:00 on rex");
		expect(walk("ann 08:45", "down down")).toBe("ann 09:45");
		expect(walk("ann 09:45", "up up")).toBe("ann 08:45");
	});
	it("goes through visits side by side before it changes the column", () => {
		expect(walk("ann 09:00", "right")).toBe("ann 09:00 on tom");
		expect(walk("ann 09:15", "right right")).toBe("bo 09:15 on kit");
		expect(walk("bo 09:15", "left")).toBe("ann 09:15 on tom");
	});
	it("stays on the day", () => {
		expect(walk("ann 08:00", "up left")).toBe("ann 08:00");
		expect(walk("bo 17:45", "down right")).toBe("bo 17:45");
	});
	it("ignores visits while something is being placed", () => {
		expect(walk("ann 08:45", "down down", true)).toBe("ann 09:15");
	});
	it("keeps its visit when the day is read again, and its cell when the visit is gone", () => {
		const on = cellAt(model, "bo", 9 * 60 + 30);
		expect(settle(model, on)).toEqual(on);
		expect(settle(model, { ...on, block: "gone/bo/0" })).toEqual(on);
		expect(settle(model, undefined)).toEqual({ column: "ann", minute: 480 });
		expect(settle(model, { column: "nobody", minute: 660 })?.column).toBe("ann");
	});
});

describe("keys", () => {
	const key = (name: string, more = {}) => ({
		key: name,
		ctrlKey: false,
		altKey: false,
		metaKey: false,
		...more,
	});
	it("mean the same in either case", () => {
		expect(meaning(key("m"))).toEqual({ type: "cut" });
		expect(meaning(key("M"))).toEqual({ type: "cut" });
	});
	it("leave modified keys to the window", () => {
		expect(meaning(key("n", { ctrlKey: true }))).toBeUndefined();
		expect(meaning(key("ArrowDown", { altKey: true }))).toBeUndefined();
	});
	it("mirror left and right where text runs right to left", () => {
		expect(meaning(key("ArrowLeft"), true)).toEqual({ type: "move", direction: "right" });
	});
	it("go a day back and forth", () => {
		expect(meaning(key("PageUp"))).toEqual({ type: "day", days: -1 });
		expect(meaning(key("PageDown"))).toEqual({ type: "day", days: 1 });
	});
});

describe("the length of a visit", () => {
	const of = (key: string, shiftKey = false) =>
		meaning({ key, shiftKey, ctrlKey: false, altKey: false, metaKey: false });
	it("changes with Shift and arrows, and with plus and minus", () => {
		expect(of("ArrowDown", true)).toEqual({ type: "length", rows: 1 });
		expect(of("ArrowUp", true)).toEqual({ type: "length", rows: -1 });
		expect(of("+", true)).toEqual({ type: "length", rows: 1 });
		expect(of("-")).toEqual({ type: "length", rows: -1 });
		expect(of("ArrowDown")).toEqual({ type: "move", direction: "down" });
	});
});
