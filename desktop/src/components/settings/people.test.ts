import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import App from "../../App.svelte";
import { fakeBackend } from "../../lib/backend/fake";
import type { HomePhase } from "../../lib/backend/types/HomePhase";
import { fixedClock } from "../../lib/clock";

const clock = fixedClock("2026-03-02T09:40:00Z");

function open(phase: HomePhase = "open") {
	const backend = fakeBackend({ clock, phase });
	render(App, { backend, clock });
	return { backend, user: userEvent.setup() };
}

const button = (name: string) => screen.findByRole("button", { name });

async function people(user: ReturnType<typeof userEvent.setup>) {
	await user.click(await button("Settings"));
	await user.click(await button("People and devices"));
}

describe("people and devices", () => {
	it("removes a computer after saying what that does", async () => {
		const { backend, user } = open();
		await people(user);
		await user.click(await button("Role or removal: Receptionist"));
		const dialog = within(screen.getByRole("dialog"));
		await user.selectOptions(
			dialog.getByLabelText("What to do"),
			"Remove the computer with everyone on it",
		);
		expect(dialog.getByText(/what it has read already cannot be taken back/)).toBeVisible();
		await user.click(dialog.getByRole("button", { name: "Remove" }));
		expect(await screen.findByText("removed")).toBeVisible();
		expect(backend.world.seats.find((one) => one.id === "seat_2")?.removed).toBe(true);
		expect(screen.queryByRole("button", { name: "Role or removal: Receptionist" })).toBeNull();
	});

	it("hands the practice over, and lets managers read clinical cards", async () => {
		const { backend, user } = open();
		await people(user);
		const box = screen.getByRole("checkbox", { name: "Managers read clinical cards" });
		expect(box).not.toBeChecked();
		await user.click(box);
		expect(backend.world.managersReadClinical).toBe(true);
		expect(box).toBeChecked();
		await user.click(await button("Role or removal: Receptionist"));
		const dialog = within(screen.getByRole("dialog"));
		await user.selectOptions(dialog.getByLabelText("What to do"), "Hand the practice over to it");
		expect(dialog.getByText(/there are two owners/)).toBeVisible();
		await user.selectOptions(dialog.getByLabelText("You become"), "Vet");
		await user.click(dialog.getByRole("button", { name: "Save" }));
		expect(backend.world.seats.find((one) => one.id === "seat_2")?.role).toBe("owner");
		expect(backend.world.seats.find((one) => one.here)?.role).toBe("vet");
	});

	it("lets somebody in whose number is the same", async () => {
		const { backend, user } = open();
		const seat = backend.world.seats.find((one) => one.id === "seat_2");
		Object.assign(seat ?? {}, { keys: false, compare: "40821 99317" });
		await people(user);
		expect(screen.getByText("compare a number")).toBeVisible();
		await user.click(await button("Compare: Receptionist"));
		const dialog = within(screen.getByRole("dialog"));
		expect(await dialog.findByText("40821 99317")).toBeVisible();
		await user.click(dialog.getByRole("button", { name: "The same: let them in" }));
		expect(screen.queryByText("compare a number")).toBeNull();
		expect(backend.world.seats.find((one) => one.id === "seat_2")?.keys).toBe(true);
	});

	it("says what a seat is called", async () => {
		const { user } = open();
		await people(user);
		await user.click(await button("Rename: Receptionist"));
		const dialog = within(screen.getByRole("dialog"));
		await user.type(dialog.getByLabelText("Name of the person or desk"), "Front desk 2");
		await user.click(dialog.getByRole("button", { name: "Save" }));
		expect(await button("Role or removal: Front desk 2")).toBeVisible();
		expect(screen.getByText("Front desk 2")).toBeVisible();
	});

	it("gives another role, and offers nobody to remove themselves", async () => {
		const { backend, user } = open();
		await people(user);
		await user.click(await button("Role or removal: Receptionist"));
		let dialog = within(screen.getByRole("dialog"));
		await user.selectOptions(dialog.getByLabelText("It may act as"), "vet");
		await user.click(dialog.getByRole("button", { name: "Save" }));
		expect(await button("Role or removal: Vet")).toBeVisible();
		expect(backend.world.seats.find((one) => one.id === "seat_2")?.role).toBe("vet");
		await user.click(await button("Role or removal: Owner"));
		dialog = within(screen.getByRole("dialog"));
		expect(dialog.getByLabelText("What to do").querySelectorAll("option")).toHaveLength(1);
	});

	it("calls an open invitation back", async () => {
		const { user } = open();
		await people(user);
		await user.click(await button("Call back: Vet"));
		expect(await screen.findByText("called back")).toBeVisible();
		expect(screen.queryByRole("button", { name: "Call back: Vet" })).toBeNull();
	});

	it("lists what counts for nothing, with who wrote it and why", async () => {
		const { backend, user } = open();
		backend.world.masked.push({
			seat: "seat_2",
			reason: "removed",
			feed: "visits",
			at: "2026-03-02T09:00:00Z",
			visits: [],
		});
		await people(user);
		expect(await screen.findByRole("heading", { name: "Counts for nothing" })).toBeVisible();
		expect(screen.getByText(/written after the seat was removed/)).toBeVisible();
	});

	it("says on a removed computer what became of it", async () => {
		const { backend } = open("removed");
		expect(
			await screen.findByRole("heading", { name: "This computer was removed from the practice" }),
		).toBeVisible();
		expect(backend.world.phase).toBe("removed");
	});
});
