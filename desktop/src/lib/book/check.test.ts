import { describe, expect, it } from "vitest";
import type { Backend } from "../backend/backend";
import type { CheckView } from "../backend/types/CheckView";
import { PlaceCheck } from "./check.svelte";

/** A replica whose answers are given by hand, one after the other. */
function slow() {
	const asked: string[] = [];
	const waiting: ((view: CheckView) => void)[] = [];
	const query = (question: { start: string }) => {
		asked.push(question.start);
		return new Promise((resolve) => waiting.push(resolve));
	};
	const answer = async () => {
		const resolve = waiting.shift();
		resolve?.({ ok: true, clashes: [], warnings: [], end: asked.at(-1) ?? "", alternatives: [] });
		await new Promise((done) => setTimeout(done, 0));
	};
	return { backend: { query } as unknown as Backend, asked, answer };
}

const at = (start: string) => ({ location: "here", start, staff: "ann" });

describe("the ghost's question", () => {
	it("is asked once at a time, and only the newest place is asked next", async () => {
		const { backend, asked, answer } = slow();
		const check = new PlaceCheck(backend);
		["09:00", "09:15", "09:30", "09:45"].forEach((start) => check.ask(at(start)));
		expect(asked).toEqual(["09:00"]);
		await answer();
		expect(check.seen).toBeUndefined();
		expect(asked).toEqual(["09:00", "09:45"]);
		await answer();
		expect(check.seen?.end).toBe("09:45");
		expect(check.busy).toBe(false);
	});
	it("is not asked twice for the same place", async () => {
		const { backend, asked, answer } = slow();
		const check = new PlaceCheck(backend);
		check.ask(at("09:00"));
		await answer();
		check.ask(at("09:00"));
		expect(asked).toHaveLength(1);
	});
	it("is forgotten when the ghost is gone", async () => {
		const { backend, answer } = slow();
		const check = new PlaceCheck(backend);
		check.ask(at("09:00"));
		check.clear();
		await answer();
		expect(check.seen).toBeUndefined();
	});
});
