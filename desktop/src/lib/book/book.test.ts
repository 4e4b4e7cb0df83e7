import { beforeEach, describe, expect, it } from "vitest";
import { fakeBackend, type FakeBackend } from "../backend/fake";
import type { Refusal } from "../backend/types/Refusal";
import type { Reply } from "../backend/types/Reply";
import { fixedClock } from "../clock";
import { Book } from "./book.svelte";
import { cellAt, cursorOn } from "./keyboard";
import { titleOf } from "./states";

// A Monday morning before the first visit.
const clock = fixedClock("2026-03-02T08:00:00Z");
let backend: FakeBackend;
let book: Book;
let said: Reply[];
let refused: Refusal[];

beforeEach(async () => {
	backend = fakeBackend({ clock });
	said = [];
	refused = [];
	book = new Book(backend, {
		clock,
		said: (reply) => said.push(reply),
		refused: (refusal) => refused.push(refusal),
	});
	const practice = await backend.query({ type: "practice" });
	await book.start(practice, "loc_river");
});

const key = (name: string, shiftKey = false) =>
	book.press({ key: name, ctrlKey: false, altKey: false, metaKey: false, shiftKey });

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Puts the cursor on the first visit whose title has this in it. */
function on(title: string): string {
	const blocks = (book.model?.columns ?? []).flatMap((column) => column.blocks);
	const block = blocks.find((one) => titleOf(one.visit).includes(title));
	if (!block || !book.model) throw new Error(`no visit of ${title}`);
	book.place(cursorOn(book.model, block));
	return block.visit.id;
}

function at(column: string, minute: number): void {
	if (book.model) book.place(cellAt(book.model, column, minute));
}

function where(id: string): string | undefined {
	const visit = book.day?.visits.find((one) => one.id === id);
	return visit && `${visit.start.slice(11, 16)} ${visit.parts[0]?.resource ?? ""}`;
}

describe("the book", () => {
	it("opens today with the cursor at now", () => {
		expect(book.date).toBe("2026-03-02");
		expect(book.cursor).toMatchObject({ column: "res_amin", minute: 480 });
	});

	it("books a known client by N, the name and two Enters", async () => {
		at("res_cole", 12 * 60);
		expect(key("n")).toBe(true);
		if (book.panel?.type !== "booking") throw new Error("no booking");
		const draft = book.panel.draft;
		await draft.search.type("haddad");
		const found = draft.search.current;
		if (!found) throw new Error("nobody found");
		await draft.pick(found);
		expect(draft.staff).toBe("res_cole");
		expect(draft.time).toBe("12:00");
		expect(draft.pets).toHaveLength(found.pets.length === 1 ? 1 : 0);
		expect(await book.book(draft)).toBe(true);
		expect(book.panel).toBeUndefined();
		expect(said).toHaveLength(1);
		const made = book.day?.visits.find((one) => one.id === said[0]?.id);
		expect(made?.details?.client).toBe(found.id);
		expect(made?.start.slice(11, 16)).toBe("12:00");
		// The cursor is on what was booked.
		expect(book.cursor?.block?.startsWith(said[0]?.id ?? "?")).toBe(true);
	});

	it("shows other slots for a taken one, and takes one of them", async () => {
		at("res_amin", 10 * 60);
		const draft = book.openBooking({ date: book.date, time: "10:00", staff: "res_amin" });
		if (!draft) throw new Error("no booking");
		expect(await book.book(draft)).toBe(false);
		expect(draft.attempt.taken).toBe(true);
		const slot = draft.attempt.alternatives[0];
		if (!slot) throw new Error("no alternative");
		draft.take(slot);
		expect(draft.attempt.refusal).toBeUndefined();
		expect(await book.book(draft)).toBe(true);
	});

	it("double books with a reason", async () => {
		const draft = book.openBooking({ date: book.date, time: "10:00", staff: "res_amin" });
		if (!draft) throw new Error("no booking");
		await book.book(draft);
		draft.attempt.reason = "emergency";
		expect(await book.book(draft)).toBe(true);
	});

	it("asks once about warnings and books on the second Enter", async () => {
		const draft = book.openBooking({ date: book.date, time: "07:00", staff: "res_amin" });
		if (!draft) throw new Error("no booking");
		expect(await book.book(draft)).toBe(false);
		expect(draft.attempt.warnings.length).toBeGreaterThan(0);
		expect(await book.book(draft)).toBe(true);
	});

	it("lengthens a visit by keys: nothing changes before Enter", async () => {
		const id = on("Simba");
		const lengthNow = () => {
			const visit = book.day?.visits.find((one) => one.id === id);
			return visit?.end.slice(11, 16);
		};
		expect(lengthNow()).toBe("10:20");
		expect(key("ArrowDown", true)).toBe(true);
		expect(book.carry?.kind).toBe("resize");
		// Onto the rows of a quarter of an hour.
		expect(book.ghost).toMatchObject({ minute: 600, minutes: 30 });
		key("+");
		expect(book.ghost?.minutes).toBe(45);
		key("-");
		expect(book.ghost?.minutes).toBe(30);
		expect(lengthNow()).toBe("10:20");
		key("Escape");
		expect(book.carry).toBeUndefined();
		expect(lengthNow()).toBe("10:20");
		key("ArrowUp", true);
		expect(book.ghost?.minutes).toBe(15);
		key("ArrowUp", true);
		expect(book.ghost?.minutes).toBe(15);
		key("Enter");
		await settled();
		await expect.poll(lengthNow).toBe("10:15");
		expect(said).toHaveLength(1);
	});

	it("has no length for an empty cell, and none that follows to another day", async () => {
		at("res_cole", 12 * 60);
		expect(key("ArrowDown", true)).toBe(false);
		on("Simba");
		key("+");
		expect(book.carry).toBeDefined();
		await book.goTo("2026-03-03");
		expect(book.carry).toBeUndefined();
	});

	it("takes a length typed in the panel, and shows what is in the way", async () => {
		const id = on("Simba");
		const visit = () => book.day?.visits.find((one) => one.id === id);
		const before = visit();
		if (!before) throw new Error("no visit");
		await book.resizeTo(before, 25);
		expect(visit()?.end.slice(11, 16)).toBe("10:25");
		const longer = visit();
		if (!longer) throw new Error("no visit");
		await book.resizeTo(longer, 600);
		expect(book.panel?.type).toBe("trouble");
		expect(visit()?.end.slice(11, 16)).toBe("10:25");
	});

	it("takes nothing into the hand that has given its time up", async () => {
		const id = on("Simba");
		await backend.execute({ type: "set_state", appointment: id, state: "no_show" });
		await book.refresh();
		on("Simba");
		key("m");
		expect(book.carry).toBeUndefined();
		expect(key("+")).toBe(false);
	});

	it("asks for a reason only where cancelling is possible", async () => {
		const id = on("Simba");
		key("x");
		if (book.panel?.type !== "visit") throw new Error("no panel");
		const panel = book.panel.visit;
		await expect.poll(() => panel.cancelling).toBe(true);
		expect(panel.cannotCancel).toBe(false);
		book.closePanel();
		await backend.execute({ type: "set_state", appointment: id, state: "in_progress" });
		await book.refresh();
		on("Simba");
		key("Delete");
		if (book.panel?.type !== "visit") throw new Error("no panel");
		const begun = book.panel.visit;
		await expect.poll(() => begun.cannotCancel).toBe(true);
		expect(begun.cancelling).toBe(false);
	});

	it("keeps a half-made booking for the next N", async () => {
		key("n");
		if (book.panel?.type !== "booking") throw new Error("no booking");
		const draft = book.panel.draft;
		draft.note = "on the phone";
		expect(key("Escape")).toBe(true);
		expect(book.parked).toBe(draft);
		at("res_ruiz", 15 * 60);
		key("n");
		expect(book.panel).toMatchObject({ type: "booking", draft: { note: "on the phone" } });
		expect(draft.staff).toBe("res_ruiz");
	});

	it("keeps a booking that is open when another client is picked from the search", async () => {
		const draft = book.openBooking({ date: book.date, time: "12:00", staff: "res_cole" });
		if (!draft) throw new Error("no booking");
		draft.note = "on the phone";
		const found = await backend.query({ type: "search", text: "haddad" });
		const client = found.clients[0];
		if (!client) throw new Error("nobody found");
		book.newFor(client);
		expect(book.parked).toBe(draft);
		expect(book.panel).not.toMatchObject({ draft: { note: "on the phone" } });
	});

	it("moves by M, arrows and Enter", async () => {
		const id = on("Adeyemi");
		key("m");
		expect(book.carry?.visit?.id).toBe(id);
		key("ArrowDown");
		key("ArrowDown");
		expect(book.ghost?.minute).toBe(630);
		await settled();
		expect(book.ghost?.state).toBe("free");
		key("Enter");
		await settled();
		await settled();
		expect(where(id)).toBe("10:30 res_amin");
		expect(book.carry).toBeUndefined();
	});

	it("says in the ghost what is in the way, and leaves the visit where it was", async () => {
		const id = on("Adeyemi");
		key("m");
		key("ArrowRight");
		key("ArrowDown");
		key("ArrowDown");
		await settled();
		expect(book.ghost).toMatchObject({ state: "taken", column: "res_cole" });
		expect(book.ghost?.by).toContain("Nov");
		key("Escape");
		expect(book.carry).toBeUndefined();
		expect(where(id)).toBe("10:00 res_amin");
		expect(said).toHaveLength(0);
	});

	it("shows why a drop was refused and moves to an alternative by one click", async () => {
		const id = on("Adeyemi");
		key("m");
		key("ArrowRight");
		key("ArrowDown");
		key("ArrowDown");
		await book.drop();
		if (book.panel?.type !== "trouble") throw new Error("no trouble");
		const slot = book.panel.trouble.attempt.alternatives[0];
		if (!slot) throw new Error("no alternative");
		await book.retry(book.panel.trouble, slot);
		expect(book.panel).toBeUndefined();
		expect(where(id)).toBe(`${slot.start.slice(11, 16)} ${slot.staff}`);
	});

	it("checks in by C, step by step", async () => {
		const id = on("Adeyemi");
		for (const state of ["arrived", "in_progress", "done"]) {
			await book.advance();
			expect(book.day?.visits.find((one) => one.id === id)?.state).toBe(state);
		}
		const before = said.length;
		await book.advance();
		expect(said).toHaveLength(before);
	});

	it("cancels by X with a reason", async () => {
		const id = on("Adeyemi");
		key("x");
		if (book.panel?.type !== "visit") throw new Error("no visit");
		const panel = book.panel.visit;
		await panel.load();
		expect(panel.cancelling).toBe(true);
		panel.reason = "moved away";
		expect(await panel.cancel()).toBe(true);
		await book.refresh();
		expect(book.day?.visits.find((one) => one.id === id)?.state).toBe("cancelled");
	});

	it("blocks time by B", async () => {
		at("res_ruiz", 12 * 60);
		key("b");
		if (book.panel?.type !== "block") throw new Error("no block");
		book.panel.block.title = "Lunch";
		await book.block(book.panel.block);
		expect(book.day?.visits.find((one) => one.id === said[0]?.id)?.kind).toBe("block");
	});

	it("lists free slots by F from the cell on", async () => {
		at("res_cole", 14 * 60);
		key("f");
		if (book.panel?.type !== "find") throw new Error("no list");
		await book.panel.find.look();
		const [first] = book.panel.find.slots;
		expect(first?.staff).toBe("res_cole");
		expect(first && first.start >= `${book.date}T14:00`).toBe(true);
		if (first) book.newAt(first);
		expect(book.panel).toMatchObject({ type: "booking" });
	});

	it("shows all columns again by Escape", () => {
		book.toggleColumn("res_park");
		expect([book.model?.columns.length, book.model?.total]).toEqual([3, 4]);
		expect(key("Escape")).toBe(true);
		expect(book.model?.columns.length).toBe(4);
		expect(key("Escape")).toBe(false);
	});

	it("books again by one click what another desk has just taken", async () => {
		const stop = book.listen();
		const draft = book.openBooking({ date: book.date, time: "12:00", staff: "res_cole" });
		if (!draft) throw new Error("no booking");
		draft.note = "limps";
		await book.book(draft);
		const lost = said[0]?.id ?? "";
		const free = await backend.query({
			type: "free",
			location: "loc_river",
			minutes: 15,
			limit: 3,
		});
		backend.tell({
			type: "just_taken",
			appointment: lost,
			title: "Rex",
			alternatives: free.slots,
		});
		const [taken] = book.taken.list;
		const slot = taken?.alternatives[0];
		if (!taken || !slot) throw new Error("nothing on offer");
		await book.rebook(taken, slot);
		expect(book.taken.list).toHaveLength(0);
		const again = book.day?.visits.find((one) => one.id === said.at(-1)?.id);
		expect(again?.details?.note).toBe("limps");
		expect(again?.start.slice(0, 16)).toBe(slot.start.slice(0, 16));
		stop();
	});

	it("never shows an older day than the newest one asked for", async () => {
		const first = book.goTo("2026-03-03");
		const second = book.goTo("2026-03-04");
		await Promise.all([first, second]);
		expect(book.day?.date).toBe("2026-03-04");
	});

	it("hands on a refusal that no panel shows", async () => {
		backend.refuseNext({ code: "storage", message: "no", help: "" });
		await book.goTo("2026-03-05");
		expect(refused.map((one) => one.code)).toEqual(["storage"]);
	});
});
