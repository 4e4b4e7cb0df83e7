import { describe, expect, it } from "vitest";
import { clock } from "./civil";
import { dayModel, type DayModel, type View } from "./day-model";
import { DATE, day, practice, visit } from "./fixtures";

const view: View = {
	mode: "staff",
	step: 15,
	hidden: new Set(),
	showCancelled: false,
	wholeDay: false,
};

function blocks(model: DayModel, column: string): string[] {
	const found = model.columns.find((one) => one.id === column)?.blocks ?? [];
	return found.map(
		(block) =>
			`${block.visit.id} ${clock(block.from)}-${clock(block.until)} ${block.lane}/${block.of}`,
	);
}

describe("a day", () => {
	it("has an hour of air around opening hours", () => {
		const model = dayModel(day([]), practice(["ann"]), view);
		expect([clock(model.from), clock(model.until)]).toEqual(["08:00", "18:00"]);
	});
	it("grows to the visits that lie outside of them", () => {
		const model = dayModel(day([visit("late", "ann 19:10-19:40")]), practice(["ann"]), view);
		expect(clock(model.until)).toBe("21:00");
	});
	it("draws a buffer inside its visit and a gap as two stretches", () => {
		const groom = visit("rex", "ann 09:00-09:30, ann 10:00-10:30, ann 10:30-10:40 buffer");
		const model = dayModel(day([groom]), practice(["ann"]), view);
		expect(blocks(model, "ann")).toEqual(["rex 09:00-09:30 0/1", "rex 10:00-10:40 0/1"]);
		const [first, second] = model.columns[0]?.blocks ?? [];
		expect(first?.gap).toEqual({ from: 570, until: 600 });
		expect(second?.buffers).toEqual([{ from: 630, until: 640 }]);
	});
	it("lets another visit have the gap with its whole width", () => {
		const groom = visit("rex", "ann 09:00-09:30, ann 10:00-10:30");
		const model = dayModel(day([groom, visit("tom", "ann 09:30-10:00")]), practice(["ann"]), view);
		expect(blocks(model, "ann")).toContain("tom 09:30-10:00 0/1");
	});
	it("lays a visit in another's buffer beside it", () => {
		const first = visit("rex", "ann 09:00-09:30, ann 09:30-09:45 buffer");
		const model = dayModel(day([first, visit("tom", "ann 09:30-10:00")]), practice(["ann"]), view);
		expect(blocks(model, "ann")).toEqual(["rex 09:00-09:45 0/2", "tom 09:30-10:00 1/2"]);
	});
	it("cuts a visit over midnight to the day", () => {
		const night = visit("owl", "ann 23:30-2026-03-03T00:30");
		const model = dayModel(day([night]), practice(["ann"]), view);
		expect(blocks(model, "ann")).toEqual(["owl 23:30-00:00 0/1"]);
		expect(model.until).toBe(1440);
	});
	it("shades everything outside of working hours, lunch included", () => {
		const working: Record<string, [string, string][]> = {
			ann: [
				[`${DATE}T09:00`, `${DATE}T12:00`],
				[`${DATE}T13:00`, `${DATE}T15:00`],
			],
		};
		const model = dayModel(day([], { working }), practice(["ann"]), view);
		expect(model.columns[0]?.closed).toEqual([
			{ from: 480, until: 540 },
			{ from: 720, until: 780 },
			{ from: 900, until: 1080 },
		]);
	});
	it("leaves cancelled visits out until they are wanted", () => {
		const gone = visit("gone", "ann 09:00-09:30", { state: "cancelled" });
		const model = dayModel(day([gone]), practice(["ann"]), view);
		expect(blocks(model, "ann")).toEqual([]);
		expect(model.cancelled).toBe(1);
		const all = dayModel(day([gone]), practice(["ann"]), { ...view, showCancelled: true });
		expect(blocks(all, "ann")).toHaveLength(1);
	});
	it("counts the columns that the filter hides", () => {
		const model = dayModel(day([]), practice(["ann", "bo"]), { ...view, hidden: new Set(["bo"]) });
		expect([model.columns.length, model.total]).toEqual([1, 2]);
	});
	it("keeps the column of someone retired who still has a visit", () => {
		const old = practice(["ann", "bo"]);
		old.staff.forEach((one) => (one.retired = true));
		const model = dayModel(day([visit("rex", "bo 09:00-09:30")]), old, view);
		expect(model.columns.map((column) => column.id)).toEqual(["bo"]);
	});
	it("gives a receptionist a column only where a service names them or time is held", () => {
		const desk = practice(["ann", "bo", "cy"]);
		for (const one of desk.staff.slice(1)) one.role = "receptionist";
		const names = (visits: ReturnType<typeof visit>[]) =>
			dayModel(day(visits), desk, view).columns.map((column) => column.id);
		expect(names([])).toEqual(["ann"]);
		expect(names([visit("lunch", "bo 12:00-12:30")])).toEqual(["ann", "bo"]);
		const nails = { id: "nails", name: "Nails", minutes: 15, parts: [], rooms: [], retired: false };
		desk.services.push({ ...nails, staff: ["cy"] });
		expect(names([])).toEqual(["ann", "cy"]);
	});
	it("shows rooms by the parts that occupy them", () => {
		const both = visit("rex", "ann 09:00-09:30, room1 09:00-09:40");
		const model = dayModel(day([both]), practice(["ann"]), { ...view, mode: "rooms" });
		expect(blocks(model, "room1")).toEqual(["rex 09:00-09:40 0/1"]);
	});
	it("is laid out for 15 columns of 40 visits well within a frame's budget of 100 ms", () => {
		const staff = Array.from({ length: 15 }, (_, index) => `s${index}`);
		const visits = staff.flatMap((one) =>
			Array.from({ length: 40 }, (_, index) => {
				const from = 480 + index * 15;
				return visit(`${one}-${index}`, `${one} ${clock(from)}-${clock(from + 20)}`);
			}),
		);
		const busy = day(visits);
		const started = performance.now();
		const model = dayModel(busy, practice(staff), view);
		const took = performance.now() - started;
		expect(model.columns.flatMap((column) => column.blocks)).toHaveLength(600);
		expect(took).toBeLessThan(100);
	});
});
