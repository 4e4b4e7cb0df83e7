import { beforeEach, describe, expect, it } from "vitest";
import { fakeBackend, type FakeBackend } from "../backend/fake";
import type { Reply } from "../backend/types/Reply";
import { fixedClock } from "../clock";
import { ReviewQueue } from "./queue.svelte";

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
});
