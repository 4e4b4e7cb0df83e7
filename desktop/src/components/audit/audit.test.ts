import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { fakeBackend, type FakeBackend } from "../../lib/backend/fake";
import { fixedClock } from "../../lib/clock";
import { Clients } from "../../lib/search/clients.svelte";
import { Desk } from "../../lib/shell/desk.svelte";
import ClientsView from "../clients/ClientsView.svelte";
import AuditSection from "../settings/AuditSection.svelte";

const clock = fixedClock("2026-03-02T08:00:00Z");
let backend: FakeBackend;

const doyle = () => {
	const found = backend.world.book.clients.find((one) => one.name === "Siobhan Doyle");
	if (!found) throw new Error("the sample has no such client");
	return found;
};

async function open(): Promise<void> {
	const desk = new Desk(backend, clock);
	await desk.start();
	render(AuditSection, { desk });
}

beforeEach(() => {
	backend = fakeBackend({ clock });
});

describe("the audit", () => {
	it("says so when nothing was done", async () => {
		await open();
		expect(await screen.findByText("Nothing is written down for this.")).toBeVisible();
	});
	it("tells old and new value, and goes on by keyboard where a page ends", async () => {
		await backend.execute({ type: "edit_client", client: doyle().id, phones: ["611 000"] });
		for (let at = 0; at < 60; at += 1)
			await backend.execute({ type: "add_client", name: `Client ${String(at)}`, phones: [] });
		await open();
		const list = await screen.findByRole("list", { name: "Changes, the latest first" });
		await expect.poll(() => list.children.length).toBe(50);
		const user = userEvent.setup();
		screen.getByRole("button", { name: "Show older changes" }).focus();
		await user.keyboard("{Enter}");
		await expect.poll(() => list.children.length).toBe(61);
		expect(within(list).getByText("611 000")).toBeVisible();
		expect(screen.queryByRole("button", { name: "Show older changes" })).toBeNull();
	});
	it("is cut to one client, and to one day", async () => {
		await backend.execute({ type: "edit_client", client: doyle().id, phones: ["611 000"] });
		await backend.execute({ type: "add_client", name: "Somebody Else", phones: [] });
		await open();
		const user = userEvent.setup();
		await user.type(screen.getByLabelText("Client"), "Doyle");
		await user.click(await screen.findByRole("button", { name: "Siobhan Doyle" }));
		const list = screen.getByRole("list", { name: "Changes, the latest first" });
		await expect.poll(() => list.children.length).toBe(1);
		expect(screen.getByText("Only Siobhan Doyle")).toBeVisible();
		await user.click(screen.getByRole("button", { name: "Show all" }));
		await expect.poll(() => list.children.length).toBe(2);
		await user.type(screen.getByLabelText("Until"), "2026-03-01");
		expect(await screen.findByText("Nothing is written down for this.")).toBeVisible();
	});
	it("checks the log and says that it is whole", async () => {
		await open();
		await userEvent.click(screen.getByRole("button", { name: "Check the log" }));
		expect(await screen.findByText(/^Everything is as it was written/)).toBeVisible();
	});
	it("is there for one client, in the client's view", async () => {
		await backend.execute({ type: "edit_client", client: doyle().id, phones: ["611 000"] });
		const clients = new Clients(backend, { said: () => {}, refused: () => {} });
		await clients.load();
		render(ClientsView, { clients, onbook: () => {}, onshow: () => {} });
		await userEvent.click(screen.getByRole("button", { name: /Siobhan Doyle/ }));
		await userEvent.click(await screen.findByRole("button", { name: "History" }));
		const dialog = await screen.findByRole("dialog", { name: /Siobhan Doyle/ });
		expect(await within(dialog).findByText("611 000")).toBeVisible();
	});
	it("is followed by an export of the client, with a word on what that means", async () => {
		const clients = new Clients(backend, { said: () => {}, refused: () => {} });
		await clients.load();
		render(ClientsView, { clients, onbook: () => {}, onshow: () => {} });
		const user = userEvent.setup();
		await user.click(screen.getByRole("button", { name: /Siobhan Doyle/ }));
		await user.click(await screen.findByRole("button", { name: "Export…" }));
		const dialog = await screen.findByRole("dialog", { name: /Siobhan Doyle/ });
		const write = within(dialog).getByRole("button", { name: "Write the files" });
		await user.type(within(dialog).getByLabelText("Folder"), "stick");
		await user.click(write);
		expect(await within(dialog).findByText(/^The folder does not exist/)).toBeVisible();
		await user.clear(within(dialog).getByLabelText("Folder"));
		await user.type(within(dialog).getByLabelText("Folder"), "/media/usb/{Enter}");
		expect(await within(dialog).findByText(`Written to /media/usb/${doyle().id}:`)).toBeVisible();
		expect(within(dialog).getByText("client.html")).toBeVisible();
		expect(within(dialog).getByText(/not encrypted/)).toBeVisible();
	});
});
