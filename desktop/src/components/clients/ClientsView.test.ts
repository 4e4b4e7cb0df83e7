import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { fakeBackend } from "../../lib/backend/fake";
import { fixedClock } from "../../lib/clock";
import { Clients } from "../../lib/search/clients.svelte";
import ClientsView from "./ClientsView.svelte";

let clients: Clients;

beforeEach(async () => {
	const backend = fakeBackend({ clock: fixedClock("2026-03-02T08:00:00Z") });
	clients = new Clients(backend, { said: () => {}, refused: () => {} });
	await clients.load();
	render(ClientsView, { clients, onbook: () => {}, onshow: () => {} });
});

describe("the clients", () => {
	it("are found while typing, by name or by the last digits of a phone", async () => {
		const user = userEvent.setup();
		const field = screen.getByRole("searchbox");
		await user.type(field, "haddad");
		await expect.poll(() => clients.shown.map((one) => one.name)).toEqual(["Nour Haddad"]);
		const digits = clients.shown[0]?.phones[0]?.replace(/\D/g, "").slice(-4) ?? "";
		await user.clear(field);
		await user.type(field, digits);
		await expect.poll(() => clients.shown.map((one) => one.name)).toContain("Nour Haddad");
	});
	it("can be corrected", async () => {
		const user = userEvent.setup();
		await user.click(screen.getByRole("button", { name: /Nour Haddad/ }));
		await user.click(await screen.findByRole("button", { name: "Edit" }));
		const name = screen.getByLabelText("Name");
		await user.clear(name);
		await user.type(name, "Nour Haddad-Stone");
		await user.click(screen.getByRole("button", { name: "Save" }));
		const head = await screen.findByRole("heading", { level: 1, name: "Nour Haddad-Stone" });
		expect(head).toBeVisible();
	});
	it("get another pet", async () => {
		const user = userEvent.setup();
		await user.click(screen.getByRole("button", { name: /Nour Haddad/ }));
		await user.click(await screen.findByRole("button", { name: "Add pet" }));
		await user.type(await screen.findByLabelText("Pet’s name"), "Pixel{Enter}");
		await expect.poll(() => clients.open?.client.pets.map((pet) => pet.name)).toContain("Pixel");
	});
});
