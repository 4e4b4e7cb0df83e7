import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import App from "../../App.svelte";
import { fakeBackend } from "../../lib/backend/fake";
import { fixedClock } from "../../lib/clock";

const clock = fixedClock("2026-03-02T09:40:00Z");

async function openDesk() {
	const backend = fakeBackend({ clock });
	render(App, { backend, clock });
	const user = userEvent.setup();
	await screen.findByRole("button", { name: "Clients" });
	return { backend, user };
}

const button = (name: string | RegExp) => screen.findByRole("button", { name });

describe("what a client may ask for", () => {
	it("restricts a client, wants a reason for each change, and lifts it again", async () => {
		const { backend, user } = await openDesk();
		await user.click(await button("Clients"));
		await user.click(await button(/Siobhan Doyle/));
		await user.click(await button("Restrict…"));
		const dialog = within(screen.getByRole("dialog"));
		await user.click(dialog.getByRole("button", { name: "Restrict" }));
		expect(screen.getByRole("dialog")).toBeVisible();
		await user.type(dialog.getByLabelText("Reason"), "a dispute");
		await user.click(dialog.getByRole("button", { name: "Restrict" }));
		expect(await screen.findByText("Restricted: kept, not to be used")).toBeVisible();
		expect(await button(/Siobhan Doyle\s+restricted/)).toBeVisible();

		await user.click(await button("Edit"));
		const name = screen.getByLabelText("Name");
		await user.clear(name);
		await user.type(name, "Siobhan Dole");
		await user.click(await button("Save"));
		expect(backend.world.book.clients.some((one) => one.name === "Siobhan Dole")).toBe(false);
		await user.type(screen.getByLabelText("Why, although restricted"), "she asked for it");
		await user.click(await button("Save"));
		expect(await screen.findByRole("heading", { level: 1, name: "Siobhan Dole" })).toBeVisible();

		await user.click(await button("Lift the restriction…"));
		await user.click(await button("Lift it"));
		await expect.poll(() => screen.queryByText("Restricted: kept, not to be used")).toBeNull();
	}, 30_000);

	it("lists whose time is over and leads into the erasure", async () => {
		const { backend, user } = await openDesk();
		const { book } = backend.world;
		const client = book.clients.find((one) => one.name === "Siobhan Doyle");
		for (const visit of book.visits)
			if (visit.client === client?.id) visit.start = visit.start.replace("2026", "2020");
		await user.click(await button("Settings"));
		await user.click(await button("Retention"));
		expect(await screen.findByText(/Contact is kept for ever/)).toBeVisible();
		await user.click(await button("Change: Contact, pets, visits' notes"));
		const months = screen.getByLabelText("Months after the last visit");
		await user.type(months, "0");
		await user.click(await button("Save"));
		expect(await screen.findByText(/Write a whole number of months/)).toBeVisible();
		await user.clear(months);
		await user.type(months, "24");
		await user.click(await button("Save"));
		expect(await screen.findByText("2 years")).toBeVisible();
		await user.click(await button("Erase Siobhan Doyle"));
		const dialog = within(screen.getByRole("dialog"));
		expect(dialog.getByLabelText("Why")).toHaveValue("retention");
		await user.type(dialog.getByLabelText(/Type the name/), "Siobhan Doyle");
		await user.click(dialog.getByRole("button", { name: "Erase for good" }));
		expect(await screen.findByText("Nobody's time is over.")).toBeVisible();
		expect(backend.world.erasures[0]?.basis).toBe("retention");
	}, 30_000);
});
