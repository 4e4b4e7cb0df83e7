import { describe, expect, it, vi } from "vitest";
import { fakeBackend } from "../backend/fake";
import type { StateView } from "../backend/types/StateView";
import { later } from "../care/drill";
import { addMonths, fixedClock, monthGrid } from "../clock";
import { errors, fileSize, money, parseMoney } from "../messages";
import { coalesce } from "./coalesce";
import { dateFrom, matching, paletteCommands, type Actions } from "./commands";
import { Desk } from "./desk.svelte";
import { Form } from "./form.svelte";
import { nextRange, parseTime, weekErrors, weekLines, type Week } from "./hours";
import { inOnePiece, partsError } from "./service-form";
import { Session } from "./session.svelte";
import { standing } from "./standing";
import { Toasts } from "./toasts.svelte";

const clock = fixedClock("2026-03-04T08:00:00Z");
const settled = () => new Promise((done) => setTimeout(done));

function state(more: Partial<StateView>): StateView {
	return {
		entries: "",
		heads: "",
		clashes: "",
		rendering: "",
		outbox: 0,
		confirmed: 0,
		tentative: 0,
		reviews: 0,
		feeds: [],
		link: "in_step",
		in_step_at: "2026-03-04T07:48:00Z",
		alarms: [],
		care: { drill_due: false, only_copy: false },
		...more,
	};
}
const line = (more: Partial<StateView>, devices = 2) =>
	standing(state(more), devices, clock.now(), "Europe/London").map((phrase) => phrase.text);

describe("the line of state", () => {
	it("is one short phrase when all is well", () => {
		expect(line({})).toEqual(["2 devices in step"]);
		expect(line({}, 1)).toEqual(["In step"]);
	});

	it("stays calm when offline and counts what waits", () => {
		expect(line({ link: "offline", outbox: 3 })).toEqual([
			"Offline, work goes on, last in step 12 min ago",
			"3 changes wait to be sent",
		]);
	});

	it("says when nothing else holds a copy", () => {
		const { in_step_at: _, ...never } = state({ link: "no_relay", outbox: 40 });
		const texts = (now: StateView) =>
			standing(now, 1, clock.now(), "Europe/London").map((p) => p.text);
		expect(texts({ ...never, care: { drill_due: false, only_copy: true } })).toEqual([
			"Works on this computer alone",
			"The only copy is on this computer",
		]);
		expect(texts(never)).toEqual(["Works on this computer alone"]);
	});

	it("asks quietly to try the recovery words, and can be put off for two weeks", () => {
		const due = { care: { drill_due: true, only_copy: false } };
		localStorage.clear();
		expect(line(due)).toEqual(["2 devices in step", "Try the recovery words"]);
		later(new Date("2026-02-19T08:00:00Z"));
		expect(line(due)).toEqual(["2 devices in step"]);
		later(new Date("2026-02-18T07:00:00Z"));
		expect(line(due)).toEqual(["2 devices in step", "Try the recovery words"]);
		// A clock that was set back asks again.
		later(new Date("2026-12-24T08:00:00Z"));
		expect(line(due)).toEqual(["2 devices in step", "Try the recovery words"]);
		localStorage.clear();
	});

	it("says that a backup waits", () => {
		const care = { drill_due: false, only_copy: false, backup_waits: "The stick is away." };
		expect(line({ care })).toEqual(["2 devices in step", "The backup waits"]);
	});

	it("puts what needs a person after the link", () => {
		const copied: StateView["alarms"][number] = {
			code: "device_copied",
			title: "A device runs twice",
			what: "Two copies write.",
			doing: "It keeps both.",
			you: "Remove one.",
			may_approve: false,
		};
		expect(line({ reviews: 2, alarms: [copied] })).toEqual([
			"2 devices in step",
			"2 to review",
			"1 thing to look into",
		]);
	});
});

describe("commands", () => {
	const gone: string[] = [];
	const actions = {
		sites: [
			{ id: "a", name: "Riverside" },
			{ id: "b", name: "North" },
		],
		today: "2026-03-04",
		goTo: (date: string) => gone.push(date),
	} as unknown as Actions;

	it("are found by any of their words", () => {
		const titles = (typed: string) =>
			matching(paletteCommands(actions), typed, actions).map((one) => one.title);
		expect(titles("north")).toEqual(["Switch to North"]);
		expect(titles("dark appea")).toEqual(["Appearance: Dark"]);
		expect(titles("xyzzy")).toEqual([]);
	});

	it.each([
		["2026-05-01", "2026-05-01"],
		["2.5.", "2026-05-02"],
		["2/5/2027", "2027-05-02"],
		["1.6", "2026-06-01"],
		["3.1.", "2026-01-03"],
		["30.8.", "2026-08-30"],
		["+10", "2026-03-14"],
		["-4", "2026-02-28"],
		["31.2.", undefined],
		["soon", undefined],
	])("read %s as a date", (typed, date) => {
		expect(dateFrom(typed, "2026-03-04")).toBe(date);
	});

	it("take a day long past for the one to come", () => {
		expect(dateFrom("2.1.", "2026-11-20")).toBe("2027-01-02");
	});

	it("go to a typed date", () => {
		matching([], "5.3.", actions)[0]?.run();
		expect(gone).toEqual(["2026-03-05"]);
	});

	it("have keys and ids of their own", () => {
		const ids = paletteCommands(actions).map((one) => one.id);
		expect(new Set(ids).size).toBe(ids.length);
	});
});

describe("hours", () => {
	it.each([
		["9", "09:00"],
		["930", "09:30"],
		["9.30", "09:30"],
		["17:45", "17:45"],
		["24", "00:00"],
		["25", undefined],
		["9:75", undefined],
		["", undefined],
	])("read %s", (typed, time) => expect(parseTime(typed)).toBe(time));

	const week = (monday: [string, string][]): Week => [monday, [], [], [], [], [], []];

	it("may not end before they start, nor overlap", () => {
		expect([...weekErrors(week([["09:00", "13:00"], ["14:00", "00:00"]]))]).toEqual([]); // prettier-ignore
		expect(weekErrors(week([["13:00", "09:00"]])).get(0)).toMatch(/before it starts/);
		expect(weekErrors(week([["09:00", "13:00"], ["12:00", "18:00"]])).get(0)).toMatch(/Overlaps/); // prettier-ignore
		expect(weekErrors(week([["09:00", "00:00"], ["12:00", "18:00"]])).get(0)).toMatch(/Overlaps/); // prettier-ignore
	});

	it("offer the afternoon after the morning", () => {
		expect(nextRange([["09:00", "13:00"]])).toEqual(["14:00", "17:00"]);
		expect(nextRange([])).toEqual(["09:00", "17:00"]);
	});

	it("sum up days that are alike", () => {
		const day: [string, string][] = [["09:00", "00:00"]];
		expect(weekLines([day, day, day, [], day, [], []])).toEqual([
			{ days: "Mon–Wed", hours: "09:00–24:00" },
			{ days: "Thu", hours: "Closed" },
			{ days: "Fri", hours: "09:00–24:00" },
			{ days: "Sat–Sun", hours: "Closed" },
		]);
	});
});

describe("services", () => {
	it("in one piece keep the room for cleaning, not the person", () => {
		expect(inOnePiece(20, 5, true)).toEqual([
			{ offset_minutes: 0, minutes: 20, staff: true, room: true, buffer: false },
			{ offset_minutes: 20, minutes: 5, staff: false, room: true, buffer: true },
		]);
	});

	it("need work that takes somebody or something", () => {
		expect(partsError(inOnePiece(20, 0, false))).toBeUndefined();
		expect(partsError(inOnePiece(0, 0, false))).toMatch(/whole minutes/);
		expect(partsError(inOnePiece(20, 0, false).map((part) => ({ ...part, staff: false })))).toMatch(
			/Each part/,
		);
		expect(partsError(inOnePiece(20, 0, false).map((part) => ({ ...part, buffer: true })))).toMatch(
			/is work/,
		);
	});
});

describe("a form", () => {
	it("does not send what it knows to be wrong", async () => {
		const form = new Form();
		const send = vi.fn();
		expect(await form.send(undefined, { name: "Missing" }, send)).toBe(false);
		expect(send).not.toHaveBeenCalled();
		expect(form.error("name")).toBe("Missing");
	});

	it("shows a refusal at its field, or in general", async () => {
		const form = new Form();
		const refusal = {
			code: "invalid_input",
			message: "Too long.",
			help: "Shorten it.",
			field: "name",
		};
		expect(await form.send(undefined, {}, () => Promise.reject(refusal))).toBe(false);
		expect(form.error("name")).toBe("Too long. Shorten it.");
		expect(form.general(["name"])).toBeNull();
		expect(form.general(["zone"])).toMatchObject(refusal);
	});

	it("sends once however often it is pressed", async () => {
		const form = new Form();
		let finish = () => {};
		const send = vi.fn(() => new Promise<void>((done) => (finish = done)));
		const first = form.send(undefined, {}, send);
		expect(await form.send(undefined, {}, send)).toBe(false);
		finish();
		expect(await first).toBe(true);
		expect(send).toHaveBeenCalledTimes(1);
	});
});

describe("the desk", () => {
	async function desk() {
		const backend = fakeBackend({ clock });
		const made = new Desk(backend, clock);
		await made.start();
		return { backend, desk: made };
	}

	it("offers the last change for undo and takes it back", async () => {
		const { desk: it } = await desk();
		await it.execute({ type: "add_room", name: "Room 9", location: "loc_river", capacity: 1 });
		await it.loadPractice();
		expect(it.practice?.rooms.some((room) => room.name === "Room 9")).toBe(true);
		expect(it.toasts.list.map((one) => one.undo)).toEqual([1]);
		await it.undo();
		await it.loadPractice();
		expect(it.practice?.rooms.some((room) => room.name === "Room 9")).toBe(false);
		expect(it.toasts.list.at(-1)?.undo).toBeUndefined();
		await it.undo();
		expect(it.toasts.list.at(-1)?.text).toBe("Nothing to undo");
		it.toasts.clear();
	});

	it("does not offer again what cannot be taken back any more", async () => {
		const { desk: it } = await desk();
		// As after an erasure, which forgets the steps before it.
		it.said({ id: "cli_1", undo: 7, said: "The client need not be kept any more." });
		await it.undo(7);
		expect(it.toasts.list.map((one) => one.text)).toEqual(["Nothing to undo"]);
		it.toasts.clear();
	});

	it("follows changes made elsewhere", async () => {
		const { backend, desk: it } = await desk();
		const stop = it.listen();
		backend.world.book.name = "Renamed";
		backend.tell({ type: "changed", schedule: false, records: false, practice: true, link: false });
		await settled();
		expect(it.practice?.name).toBe("Renamed");
		stop();
	});

	it("locks when the program says it is locked", async () => {
		const backend = fakeBackend({ clock, phase: "locked" });
		const locked = vi.fn();
		await new Desk(backend, clock, locked).loadPractice();
		expect(locked).toHaveBeenCalled();
	});

	it("begins a new practice where its people are added", async () => {
		const backend = fakeBackend({ clock, phase: "empty" });
		await new Session(backend).found("Hill Vets", "Hill Road", "Europe/Madrid", "correct horse");
		const it = new Desk(backend, clock);
		await it.start();
		expect([it.view, it.section]).toEqual(["settings", "staff"]);
	});

	it("says elsewhere than in the day that a slot was lost", async () => {
		const { backend, desk: it } = await desk();
		it.listen();
		backend.tell({ type: "just_taken", appointment: "apt_1", title: "Rex", alternatives: [] });
		expect(it.toasts.list).toEqual([]);
		it.show("clients");
		backend.tell({ type: "just_taken", appointment: "apt_1", title: "Rex", alternatives: [] });
		expect(it.toasts.list[0]?.text).toMatch(/^Rex: the slot was just taken/);
		it.toasts.clear();
	});

	it("takes back what it said of a booking that another desk was quicker with", async () => {
		const { backend, desk: it } = await desk();
		it.listen();
		it.said({ id: "apt_1", undo: 7, said: "Booked." });
		it.said({ id: "cli_1", said: "Client added." });
		backend.tell({ type: "just_taken", appointment: "apt_1", title: "Rex", alternatives: [] });
		expect(it.toasts.list.map((one) => one.text)).toEqual(["Client added."]);
		const asked = vi.spyOn(backend, "execute");
		await it.undo();
		expect(asked).toHaveBeenCalledWith({ type: "undo" });
		it.toasts.clear();
	});
});

describe("notices", () => {
	it("go by themselves, but not while looked at", () => {
		vi.useFakeTimers();
		const toasts = new Toasts();
		toasts.show({ text: "Moved.", tone: "plain" });
		toasts.hold();
		vi.advanceTimersByTime(60_000);
		expect(toasts.list).toHaveLength(1);
		toasts.release();
		vi.advanceTimersByTime(60_000);
		expect(toasts.list).toHaveLength(0);
		vi.useRealTimers();
	});

	it("offer only the latest change for undo", () => {
		const toasts = new Toasts();
		toasts.show({ text: "One", tone: "plain", undo: 1 });
		toasts.show({ text: "Two", tone: "plain", undo: 2 });
		expect(toasts.list.map((one) => one.text)).toEqual(["Two"]);
		toasts.clear();
	});
});

describe("ways of writing", () => {
	it("keeps money whole", () => {
		expect(parseMoney("49.5", "EUR")).toBe(4950);
		expect(parseMoney("49,50", "EUR")).toBe(4950);
		expect(parseMoney("500", "JPY")).toBe(500);
		expect(parseMoney("4.999", "EUR")).toBeNull();
		expect(parseMoney("four", "EUR")).toBeNull();
		expect(money(4950, "EUR")).toBe("€49.50");
	});

	it("writes sizes and months", () => {
		expect(fileSize(1_384_220)).toBe("1.4 MB");
		expect(fileSize(512)).toBe("512 B");
		expect(addMonths("2026-01-31", 1)).toBe("2026-02-28");
		expect(addMonths("2026-01-15", -1)).toBe("2025-12-15");
		const grid = monthGrid("2026-03-15");
		expect([grid[0]?.[0], grid.at(-1)?.[6], grid.length]).toEqual(["2026-02-23", "2026-04-05", 6]);
	});

	it("has a headline for every error", () => {
		for (const text of Object.values(errors)) expect(text.title).not.toBe("");
	});
});

describe("reading after events", () => {
	it("reads once more after a burst, never twice at a time", async () => {
		let at = 0;
		let most = 0;
		const read = vi.fn(async () => {
			at += 1;
			most = Math.max(most, at);
			await settled();
			at -= 1;
		});
		const load = coalesce(read);
		await Promise.all([load(), load(), load(), load()]);
		expect([read.mock.calls.length, most]).toEqual([2, 1]);
		await load();
		expect(read).toHaveBeenCalledTimes(3);
	});
});
