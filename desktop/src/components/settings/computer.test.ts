import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import App from "../../App.svelte";
import { fakeBackend } from "../../lib/backend/fake";
import { fixedClock } from "../../lib/clock";

const clock = fixedClock("2026-03-02T09:40:00Z");

function open() {
	const backend = fakeBackend({ clock, phase: "open" });
	return { backend, user: userEvent.setup(), show: () => render(App, { backend, clock }) };
}

const button = (name: string) => screen.findByRole("button", { name });

beforeEach(() => localStorage.clear());

describe("this computer", () => {
	it("lets the keys need the keystore, unless that does not answer", async () => {
		const { backend, user, show } = open();
		backend.world.keystoreSilent = true;
		show();
		await user.click(await button("Settings"));
		await user.click(await button("This computer"));
		await user.click(await button("Switch it on"));
		expect(await screen.findByRole("alert")).toHaveTextContent("No key was made or changed");
		backend.world.keystoreSilent = false;
		await user.click(await button("Switch it on"));
		expect(await button("Switch it off")).toBeVisible();
		expect(backend.world.keystore).toBe(true);
	});

	it("says how long records stay open without the relay", async () => {
		const { backend, user, show } = open();
		show();
		await user.click(await button("Settings"));
		await user.click(await button("This computer"));
		const days = await screen.findByLabelText("Without the relay, records stay open for");
		expect(within(days).getByRole("option", { name: "90 days" })).toBeInTheDocument();
		await user.selectOptions(days, "30");
		expect(await screen.findByText(/until Wednesday,? 1 April 2026/)).toBeVisible();
		expect(backend.world.book.leaseDays).toBe(30);
	});

	it("closes the records of a computer that was away too long, and keeps the day", async () => {
		const { backend, user, show } = open();
		backend.world.leasePhase = "over";
		show();
		expect(await button("Records are closed")).toBeVisible();
		await user.click(await button("Clients"));
		expect(await screen.findByText("Records are closed at this computer")).toBeVisible();
		expect(screen.queryByRole("searchbox", { name: "Find a client" })).toBeNull();
	});
});
