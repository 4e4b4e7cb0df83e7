import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import App from "../../App.svelte";
import { fakeBackend } from "../../lib/backend/fake";
import { fixedClock } from "../../lib/clock";

const clock = fixedClock("2026-03-02T09:40:00Z");

async function openClient() {
	const backend = fakeBackend({ clock });
	render(App, { backend, clock });
	const user = userEvent.setup();
	await user.click(await screen.findByRole("button", { name: "Clients" }));
	await user.click(await screen.findByRole("button", { name: /Siobhan Doyle/ }));
	await screen.findByRole("heading", { name: "Cards" });
	return { backend, user };
}

const button = (name: string) => screen.findByRole("button", { name });

describe("erasing a client", () => {
	it("says what goes and what stays, wants the name, and lists who has done it", async () => {
		const { backend, user } = await openClient();
		await user.click(await button("Erase…"));
		const dialog = within(screen.getByRole("dialog"));
		expect(dialog.getByText(/An erasure is never taken back/)).toBeVisible();
		expect(dialog.getByText(/What was printed/)).toBeVisible();
		await user.type(dialog.getByLabelText(/Type the name/), "Siobhan");
		await user.click(dialog.getByRole("button", { name: "Erase for good" }));
		expect(await dialog.findByText("This is not the client's name.")).toBeVisible();
		await user.type(dialog.getByLabelText(/Type the name/), " Doyle");
		await user.click(dialog.getByRole("button", { name: "Erase for good" }));
		await expect.poll(() => screen.queryByRole("dialog")).toBeNull();
		expect(backend.world.book.clients.some((one) => one.name === "Siobhan Doyle")).toBe(false);
		await expect.poll(() => screen.queryByRole("heading", { name: "Siobhan Doyle" })).toBeNull();

		await user.click(await button("Settings"));
		await user.click(await button("Erasures"));
		expect(await screen.findByText(/1 of \d computers have done it/)).toBeVisible();
		expect(screen.queryByText(/Siobhan/)).toBeNull();
		await user.click(await button("Certificate…"));
		await user.type(screen.getByLabelText("File"), "/tmp/certificate.txt");
		await user.click(await button("Write"));
		expect(await screen.findByText("The certificate is in /tmp/certificate.txt.")).toBeVisible();
	}, 30_000);

	it("does not erase who must be kept", async () => {
		const { backend, user } = await openClient();
		await user.click(await button("Hold…"));
		await user.type(screen.getByLabelText("Reason"), "a dispute");
		await user.click(await button("Save"));
		expect(await screen.findByText("Must be kept: a dispute")).toBeVisible();
		await user.click(await button("Erase…"));
		const dialog = within(screen.getByRole("dialog"));
		await user.type(dialog.getByLabelText(/Type the name/), "Siobhan Doyle");
		await user.click(dialog.getByRole("button", { name: "Erase for good" }));
		expect(await dialog.findByText(/This client must be kept: a dispute/)).toBeVisible();
		expect(backend.world.book.clients.some((one) => one.name === "Siobhan Doyle")).toBe(true);
	}, 30_000);
});
