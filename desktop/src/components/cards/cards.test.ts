import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { fakeBackend, type FakeBackend } from "../../lib/backend/fake";
import type { StaffRole } from "../../lib/backend/types/StaffRole";
import { fixedClock } from "../../lib/clock";
import { Clients } from "../../lib/search/clients.svelte";
import ClientsView from "../clients/ClientsView.svelte";

let backend: FakeBackend;

async function open(role: StaffRole): Promise<void> {
	for (const seat of backend.world.seats) if (seat.here) seat.role = role;
	const clients = new Clients(backend, { said: () => {}, refused: () => {} });
	clients.listen();
	await clients.load();
	render(ClientsView, { clients, onbook: () => {}, onshow: () => {} });
	await userEvent.click(screen.getByRole("button", { name: /Siobhan Doyle/ }));
	await screen.findByRole("heading", { name: "Cards" });
}

const note = (card: "handling" | "clinical", text: string) =>
	backend.execute({ type: "add_card_note", of: "pet_doyle0", card, text });

beforeEach(() => {
	backend = fakeBackend({ clock: fixedClock("2026-03-02T08:00:00Z") });
});

describe("the cards of a client", () => {
	it("take a note by keyboard alone, and a handling note becomes an alert", async () => {
		await open("vet");
		const user = userEvent.setup();
		(await screen.findByRole("button", { name: "Add a note: Handling of Rex" })).focus();
		await user.keyboard("{Enter}");
		const field = await screen.findByLabelText("Handling of Rex");
		expect(field).toHaveFocus();
		await user.keyboard("Bites vets{Control>}{Enter}{/Control}");
		const alert = await screen.findByRole("alert");
		expect(alert).toHaveTextContent("Careful – Rex: Bites vets");
		expect(screen.queryByLabelText("Handling of Rex")).toBeNull();
	});
	it("show no clinical note and no way to one to a groomer, who is warned all the same", async () => {
		await note("clinical", "Heart murmur");
		await note("handling", "Bites vets");
		await open("groomer");
		expect(await screen.findByRole("alert")).toHaveTextContent("Bites vets");
		expect(screen.queryByText("Heart murmur")).toBeNull();
		expect(screen.queryByRole("button", { name: /Clinical/ })).toBeNull();
		expect(screen.queryByRole("button", { name: /Withdraw/ })).toBeNull();
		expect(screen.getByRole("button", { name: "Add a note: Handling of Rex" })).toBeVisible();
	});
	it("keep a withdrawn note, struck through, and the alert goes", async () => {
		await note("handling", "Bites vets");
		await open("owner");
		const user = userEvent.setup();
		await user.click(await screen.findByRole("button", { name: "Withdraw “Bites vets”" }));
		await expect.poll(() => screen.queryByRole("alert")).toBeNull();
		const gone = screen.getByText("Bites vets").closest("li");
		expect(gone).toHaveClass("withdrawn");
		if (gone) expect(within(gone).getByText(/withdrawn by this desk/)).toBeVisible();
	});
	it("keep what is being written when others change the client, and let it go with Escape", async () => {
		await open("vet");
		const user = userEvent.setup();
		await user.click(await screen.findByRole("button", { name: "Add a note: Clinical of Rex" }));
		await user.keyboard("Half a sen");
		await note("handling", "Bites vets");
		await screen.findByRole("alert");
		expect(screen.getByLabelText("Clinical of Rex")).toHaveValue("Half a sen");
		await user.keyboard("{Escape}");
		expect(screen.queryByLabelText("Clinical of Rex")).toBeNull();
	});
});
