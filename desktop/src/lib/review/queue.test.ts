import { beforeEach, describe, expect, it } from "vitest";
import { fakeBackend, type FakeBackend } from "../backend/fake";
import type { Backend } from "../backend/backend";
import type { Command } from "../backend/types/Command";
import type { Query } from "../backend/types/Query";
import type { Reply } from "../backend/types/Reply";
import type { ReviewView } from "../backend/types/ReviewView";
import { fixedClock } from "../clock";
import { ReviewQueue, sayKeep, sayNoSuggestion } from "./queue.svelte";

let backend: FakeBackend;
let queue: ReviewQueue;
let said: Reply[];

beforeEach(async () => {
	backend = fakeBackend({ clock: fixedClock("2026-03-02T08:00:00Z") });
	said = [];
	queue = new ReviewQueue(backend, { said: (reply) => said.push(reply), refused: () => {} });
	await queue.load();
});

const press = async (key: string) => {
	const meant = queue.press({ key, ctrlKey: false, altKey: false, metaKey: false });
	for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => setTimeout(done, 0));
	return meant;
};

describe("the review queue", () => {
	it("opens the most urgent case", () => {
		expect(queue.count).toBe(1);
		expect(queue.current?.visits).toHaveLength(2);
	});
	it("applies the suggestion by one key, and says whom to call", async () => {
		expect(queue.current?.suggestion).toBeDefined();
		await press("1");
		expect(queue.count).toBe(0);
		expect(queue.calls).toHaveLength(1);
		expect(queue.calls[0]?.phone).not.toBe("");
	});
	it("undoes the decision, with its calls", async () => {
		await press("1");
		await press("u");
		await queue.load();
		expect(queue.count).toBe(1);
		expect(queue.calls).toHaveLength(0);
		expect(queue.mayUndo).toBe(false);
	});
	it("keeps the visit in focus and moves the other", async () => {
		await press("ArrowRight");
		const kept = queue.current?.visits[1]?.visit.id;
		await press("k");
		expect(queue.count).toBe(0);
		expect(queue.calls.map((call) => call.appointment)).not.toContain(kept);
		expect(queue.calls).toHaveLength(1);
	});
	it("moves to the chosen alternative", async () => {
		queue.focus(1);
		queue.chooseSlot(1, 1);
		const slot = queue.slotOf(1);
		const id = queue.current?.visits[1]?.visit.id ?? "";
		await press("m");
		const { visit } = await backend.query({ type: "visit", appointment: id });
		expect(visit.start.slice(0, 16)).toBe(slot?.start.slice(0, 16));
	});
	it("lets both stand, without a call", async () => {
		await press("o");
		expect(queue.count).toBe(0);
		expect(queue.calls).toHaveLength(0);
	});
	it("shows a refusal and keeps the case", async () => {
		backend.refuseNext({ code: "not_allowed", message: "no", help: "" });
		await press("1");
		expect(queue.refusal?.code).toBe("not_allowed");
		expect(queue.count).toBe(1);
	});
	it("leaves modified keys alone", () => {
		expect(queue.press({ key: "1", ctrlKey: true, altKey: false, metaKey: false })).toBe(false);
	});
	it("speaks of a case by its kind", () => {
		const review = queue.current;
		if (!review) throw new Error("no case");
		expect(sayNoSuggestion({ ...review, kind: "two_places" })).toMatch(/place that counts/);
		expect(sayNoSuggestion({ ...review, kind: "acts" })).toMatch(/settled by rule/);
		expect(sayNoSuggestion(review)).toMatch(/same right/);
	});
});

describe("a case about how far a visit has come", () => {
	let sent: Command[];
	let id: string;

	/** The case as the replica tells it, until a state is written. */
	beforeEach(async () => {
		const first = queue.current?.visits[0];
		if (!first) throw new Error("no visit");
		id = first.visit.id;
		sent = [];
		const review: ReviewView = {
			id: "states",
			kind: "acts",
			starts: first.visit.starts,
			why: "Two people said different things about how far this visit has come.",
			resources: [],
			visits: [{ ...first, visit: { ...first.visit, state: "arrived" } }],
			states: {
				said: ["arrived", "no_show"],
				stands: "arrived",
				next: ["booked", "in_progress", "done", "cancelled"],
			},
			may_decide: false,
		};
		const seen = {
			...backend,
			query: (wanted: Query) =>
				wanted.type === "reviews"
					? Promise.resolve({ type: "reviews", reviews: sent.length === 0 ? [review] : [] })
					: backend.query(wanted),
			execute: (command: Command) => {
				sent.push(command);
				return Promise.resolve({ id, said: "Arrived.", undo: 7 });
			},
		} as unknown as Backend;
		queue = new ReviewQueue(seen, { said: (reply) => said.push(reply), refused: () => {} });
		await queue.load();
	});

	it("goes away with K, also for a seat that may not decide", async () => {
		await press("k");
		expect(sent).toEqual([{ type: "set_state", appointment: id, state: "arrived" }]);
		expect(queue.count).toBe(0);
		expect(queue.calls).toEqual([]);
		// What stands was only said again: there is nothing to go back to.
		expect(queue.mayUndo).toBe(false);
	});
	it("goes away with another state, which can be taken back", async () => {
		await queue.say("booked");
		expect(sent).toEqual([{ type: "set_state", appointment: id, state: "booked" }]);
		expect(queue.mayUndo).toBe(true);
	});
	it("asks for a call where X calls the visit off", async () => {
		await press("x");
		expect(sent).toEqual([{ type: "set_state", appointment: id, state: "cancelled" }]);
		expect(queue.calls).toHaveLength(1);
	});
	it("knows neither slots nor both standing", async () => {
		await press("m");
		await press("o");
		await press("1");
		expect(sent).toEqual([]);
	});
	it("says what was said and what stands", () => {
		const review = queue.current;
		if (!review) throw new Error("no case");
		expect(sayNoSuggestion(review)).toBe(
			"“Arrived” and “No show” were said at once. It counts as “Arrived” until somebody says which is right.",
		);
		expect(sayKeep(review, 0)[0]).toMatch(/stays “Arrived”$/);
	});
});
