/** Several people at one computer: added, switched by PIN, paused, refused. */
import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import App from "../../App.svelte";
import { fakeBackend } from "../../lib/backend/fake";
import { fixedClock } from "../../lib/clock";

const clock = fixedClock("2026-03-04T08:00:00Z");

function open() {
	const backend = fakeBackend({ clock, phase: "open" });
	backend.world.here.push(
		{
			id: "seat_b",
			name: "Ben",
			role: "receptionist",
			here: false,
			passphrase: false,
			pin: "4711",
			tries: 0,
		},
		{
			id: "seat_c",
			name: "Cleo",
			role: "vet",
			here: false,
			passphrase: false,
			pin: "2580",
			tries: 0,
		},
	);
	render(App, { props: { backend, clock } });
	return { backend, user: userEvent.setup() };
}

const button = (name: string | RegExp) => screen.findByRole("button", { name });

describe("several people at one computer", () => {
	it("shows who is at the desk and gives it to another by PIN", async () => {
		const { backend, user } = open();
		await user.click(await button("At the desk: Owner. Switch person"));
		const dialog = within(screen.getByRole("dialog"));
		await user.click(await dialog.findByRole("radio", { name: /Cleo/ }));
		await user.type(dialog.getByLabelText("PIN"), "4711");
		await user.click(dialog.getByRole("button", { name: "Take the desk" }));
		expect(await dialog.findByText(/not the PIN of this person/)).toBeInTheDocument();
		expect(backend.world.here.find((one) => one.here)?.id).toBe("seat_1");
		await user.type(dialog.getByLabelText("PIN"), "2580");
		await user.click(dialog.getByRole("button", { name: "Take the desk" }));
		expect(await button("At the desk: Cleo. Switch person")).toBeInTheDocument();
		expect(screen.queryByRole("dialog")).toBeNull();
	});

	it("switches by key", async () => {
		const { user } = open();
		await button("At the desk: Owner. Switch person");
		await user.keyboard("{Control>}j{/Control}");
		expect(await screen.findByRole("dialog", { name: "Switch person" })).toBeInTheDocument();
	});

	it("asks for a passphrase after too many wrong PINs", async () => {
		const { backend, user } = open();
		const ben = backend.world.here.find((one) => one.id === "seat_b")!;
		ben.tries = 4;
		await user.click(await button("At the desk: Owner. Switch person"));
		const dialog = within(screen.getByRole("dialog"));
		await user.type(await dialog.findByLabelText("PIN"), "0815");
		await user.click(dialog.getByRole("button", { name: "Take the desk" }));
		const passphrase = await dialog.findByLabelText("A passphrase of this computer");
		await user.type(dialog.getByLabelText("PIN"), "4711");
		await user.type(passphrase, backend.world.passphrase);
		await user.click(dialog.getByRole("button", { name: "Take the desk" }));
		expect(await button("At the desk: Ben. Switch person")).toBeInTheDocument();
	});

	it("leaves the desk and comes back by PIN, or by passphrase", async () => {
		const { backend, user } = open();
		await button("At the desk: Owner. Switch person");
		await user.keyboard("{Control>}k{/Control}");
		await user.click(await screen.findByText(/Leave the desk/));
		expect(await screen.findByRole("heading", { name: "Nobody is at the desk" })).toBeVisible();
		expect(backend.world.phase).toBe("locked");
		await user.click(await button("Use the passphrase"));
		expect(await screen.findByLabelText("Passphrase")).toBeInTheDocument();
		await user.click(await button("Use a PIN"));
		await user.click(await screen.findByRole("radio", { name: /Ben/ }));
		await user.type(screen.getByLabelText("PIN"), "4711");
		await user.click(await button("Take the desk"));
		expect(await button("At the desk: Ben. Switch person")).toBeInTheDocument();
	});

	it("adds a person in settings", async () => {
		const { backend, user } = open();
		await user.click(await button("Settings"));
		await user.click(await button("This computer"));
		await user.click(await button("Add a person"));
		const dialog = within(screen.getByRole("dialog"));
		await user.type(dialog.getByLabelText("Name"), "Dora");
		await user.selectOptions(dialog.getByLabelText("Role"), "Groomer");
		await user.type(dialog.getByLabelText("PIN"), "8642");
		await user.type(dialog.getByLabelText("The same again"), "8643");
		await user.click(dialog.getByRole("button", { name: "Save" }));
		expect(await dialog.findByText("The two are not the same.")).toBeInTheDocument();
		await user.clear(dialog.getByLabelText("The same again"));
		await user.type(dialog.getByLabelText("The same again"), "8642");
		await user.click(dialog.getByRole("button", { name: "Save" }));
		await waitFor(() => expect(backend.world.here.at(-1)?.name).toBe("Dora"));
		expect(await screen.findByText("Dora")).toBeInTheDocument();
	});
});
