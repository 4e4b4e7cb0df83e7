import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { fakeBackend } from "../../lib/backend/fake";
import { fixedClock } from "../../lib/clock";
import { ReviewQueue } from "../../lib/review/queue.svelte";
import ReviewView from "./ReviewView.svelte";

async function open() {
	const backend = fakeBackend({ clock: fixedClock("2026-03-02T08:00:00Z") });
	const queue = new ReviewQueue(backend, { said: () => {}, refused: () => {} });
	await queue.load();
	render(ReviewView, { queue, onshow: () => {} });
	return queue;
}

describe("the review", () => {
	it("shows both visits with where and by whom each was made", async () => {
		await open();
		expect(screen.getByRole("article", { name: /Marion Bell/ })).toHaveTextContent("made by");
		expect(screen.getByRole("article", { name: /Joan Ivers/ })).toHaveTextContent("made by");
	});
	it("settles the case by 1 and shows the call to make", async () => {
		const queue = await open();
		await userEvent.setup().keyboard("1");
		await expect.poll(() => queue.count).toBe(0);
		expect(await screen.findByRole("button", { name: /Called/ })).toBeVisible();
		expect(screen.getByText("Nothing to review.")).toBeVisible();
	});
	it("takes a typed digit for text in the reason", async () => {
		const queue = await open();
		await userEvent.setup().type(screen.getByLabelText("Reason (sealed, optional)"), "1 mko");
		expect(queue.reason).toBe("1 mko");
		expect(queue.count).toBe(1);
	});
	it("asks how far the visit has come where people said different things", async () => {
		const queue = await open();
		const [review] = queue.reviews;
		const [first] = review?.visits ?? [];
		if (!review || !first) throw new Error("no case");
		const { suggestion: _, ...plain } = review;
		queue.reviews = [
			{
				...plain,
				kind: "acts",
				visits: [first],
				states: { said: ["arrived", "no_show"], stands: "arrived", next: ["booked", "done"] },
			},
		];
		expect(await screen.findByRole("button", { name: /It is “Arrived”/ })).toBeEnabled();
		expect(screen.getByText(/counts as “Arrived” until/)).toBeVisible();
		expect(screen.getByRole("button", { name: "Booked" })).toBeVisible();
		expect(
			screen.queryByRole("button", { name: /Cancel this one|Keep this one|^Move/ }),
		).toBeNull();
		expect(screen.queryByLabelText("Reason (sealed, optional)")).toBeNull();
	});
});
