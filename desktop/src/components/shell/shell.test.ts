import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import App from "../../App.svelte";
import { fakeBackend } from "../../lib/backend/fake";
import type { HomePhase } from "../../lib/backend/types/HomePhase";
import { fixedClock } from "../../lib/clock";

const clock = fixedClock("2026-03-04T08:00:00Z");

function open(phase: HomePhase) {
	const backend = fakeBackend({ clock, phase });
	render(App, { props: { backend, clock } });
	return { backend, user: userEvent.setup() };
}

const button = (name: string | RegExp) => screen.findByRole("button", { name });

beforeEach(() => localStorage.clear());

describe("first run", () => {
	it("founds a practice, checks two of the words, and opens where people are added", async () => {
		const { backend, user } = open("empty");
		await user.click(await button(/Start a new practice/));
		expect(screen.getByRole("note")).toHaveTextContent(/24 recovery words appear next/);
		await user.click(await button("Start the practice"));
		expect(screen.getAllByText("This is needed.")).toHaveLength(2);
		expect(screen.getByLabelText("Practice")).toHaveAttribute("aria-invalid", "true");

		await user.type(screen.getByLabelText("Practice"), "Hill Vets");
		await user.type(screen.getByLabelText("First site"), "Hill Road");
		await user.clear(screen.getByLabelText("Time zone"));
		await user.type(screen.getByLabelText("Time zone"), "Europe/Madrid");
		await user.type(screen.getByLabelText("Passphrase"), "correct horse");
		await user.type(screen.getByLabelText("Passphrase again"), "correct hors");
		await user.click(await button("Start the practice"));
		expect(screen.getByText("The two passphrases differ.")).toBeInTheDocument();
		await user.type(screen.getByLabelText("Passphrase again"), "e");
		await user.click(await button("Start the practice"));

		for (const word of backend.world.words)
			expect(await screen.findByText(word)).toBeInTheDocument();
		expect(screen.getByText(/Do not close this window/)).toBeInTheDocument();
		await user.click(await button("I have written them down"));
		const asked = screen.getAllByLabelText(/^Word \d+$/);
		expect(asked).toHaveLength(2);
		await user.click(await button("Open the book"));
		expect(screen.getAllByText(/That is not word/)).toHaveLength(2);
		for (const input of asked) {
			const name = document.querySelector(`label[for="${input.id}"]`)?.textContent ?? "";
			await user.type(input, backend.world.words[Number(/\d+/.exec(name)?.[0]) - 1] ?? "");
		}
		await user.click(await button("Open the book"));
		expect(await screen.findByRole("heading", { name: "Staff" })).toBeInTheDocument();
		expect(await screen.findByText("The only copy is on this computer")).toBeInTheDocument();
	});

	it("shows a refused join code at its field", async () => {
		const { user } = open("empty");
		await user.click(await button(/Join a practice/));
		await user.type(screen.getByLabelText("Join code"), "ABC");
		await user.type(screen.getByLabelText("Passphrase"), "correct horse");
		await user.type(screen.getByLabelText("Passphrase again"), "correct horse");
		await user.click(await button("Join"));
		expect(await screen.findByText(/The code is not complete/)).toBeInTheDocument();
		expect(screen.getByLabelText("Join code")).toHaveAccessibleDescription(/Compare it/);
	});
});

describe("unlocking", () => {
	it("says that a passphrase is wrong, then opens", async () => {
		const { backend, user } = open("locked");
		await user.type(await screen.findByLabelText("Passphrase"), "nonsense");
		await user.click(await button("Unlock"));
		expect(await screen.findByText(/That is not the passphrase/)).toBeInTheDocument();
		await user.type(screen.getByLabelText("Passphrase"), backend.world.passphrase);
		await user.click(await button("Unlock"));
		expect(await screen.findByRole("navigation", { name: "Views" })).toBeInTheDocument();
	});

	it("opens with the recovery words and a new passphrase", async () => {
		const { backend, user } = open("locked");
		await user.click(await button("Use recovery words"));
		await user.type(screen.getByLabelText("The 24 recovery words"), "one two");
		await user.type(screen.getByLabelText("New passphrase"), "new and long");
		await user.click(await button(/^Open and set/));
		expect(await screen.findByText("2 of 24 words")).toBeInTheDocument();
		await user.clear(screen.getByLabelText("The 24 recovery words"));
		await user.type(
			screen.getByLabelText("The 24 recovery words"),
			backend.world.words.join(" ").toUpperCase(),
		);
		await user.click(await button(/^Open and set/));
		expect(await screen.findByRole("navigation", { name: "Views" })).toBeInTheDocument();
		expect(backend.world.passphrase).toBe("new and long");
	});
});

describe("the open desk", () => {
	async function desk() {
		const opened = open("open");
		await screen.findByText("2 devices in step");
		return opened;
	}

	it("switches views by name and by key, and counts what waits", async () => {
		const { user } = await desk();
		await user.click(await button("Settings"));
		expect(
			await screen.findByRole("heading", { name: "Riverside Animal Care" }),
		).toBeInTheDocument();
		await user.keyboard("{Alt>}2{/Alt}");
		expect(await button("Review, 1 waiting")).toHaveAttribute("aria-current", "page");
	});

	it("runs a command from the palette", async () => {
		const { user } = await desk();
		await user.keyboard("{Control>}k{/Control}");
		const box = await screen.findByRole("combobox", { name: "Commands" });
		expect(box).toHaveFocus();
		await user.type(box, "north");
		await user.keyboard("{Enter}");
		expect(await button(/^Site: North branch/)).toBeInTheDocument();
		expect(screen.queryByRole("combobox", { name: "Commands" })).toBeNull();
	});

	it("lists the keys on ?", async () => {
		const { user } = await desk();
		await user.keyboard("?");
		const list = await screen.findByRole("dialog", { name: "Keys" });
		for (const key of ["End", "Delete", "Ctrl Enter", "Shift ↓"])
			expect(within(list).getByText(key)).toBeInTheDocument();
		expect(within(list).getByRole("heading", { name: /calendar/ })).toBeInTheDocument();
	});

	it("picks a day from the month", async () => {
		const { user } = await desk();
		await user.click(await button(/^Wed,? 4 March\. Go to a date/));
		await user.keyboard("{ArrowDown}{Enter}");
		expect(await button(/^Wed,? 11 March\. Go to a date/)).toHaveFocus();
	});

	it("adds a room, and takes it back with Ctrl+Z", async () => {
		const { user } = await desk();
		await user.click(await button("Settings"));
		await user.click(await button("Rooms"));
		await user.click(await button("Add a room"));
		const dialog = await screen.findByRole("dialog", { name: "Add a room" });
		await user.click(within(dialog).getByRole("button", { name: "Save" }));
		expect(within(dialog).getByText("This is needed.")).toBeInTheDocument();
		await user.type(within(dialog).getByLabelText("Name"), "X-ray");
		await user.click(within(dialog).getByRole("button", { name: "Save" }));
		expect(await button("Retire: X-ray")).toBeInTheDocument();
		await user.keyboard("{Control>}z{/Control}");
		await waitFor(() => expect(screen.queryByRole("button", { name: "Retire: X-ray" })).toBeNull());
	});

	it("shows what the program refuses, at the field", async () => {
		const { backend, user } = await desk();
		await user.click(await button("Settings"));
		await user.click(await button("Add a site"));
		backend.refuseNext({
			code: "invalid_input",
			message: "Taken.",
			help: "Choose another.",
			field: "name",
		});
		await user.type(screen.getByLabelText("Name of the site"), "North branch");
		await user.click(await button("Save"));
		expect(await screen.findByText("Taken. Choose another.")).toBeInTheDocument();
	});

	it("changes opening hours typed as people type them", async () => {
		const { backend, user } = await desk();
		await user.click(await button("Settings"));
		await user.click(await button("Opening hours: North branch"));
		const from = screen.getAllByLabelText("Opens on Monday")[0]!;
		await user.clear(from);
		await user.type(from, "830");
		await user.tab();
		expect(from).toHaveValue("08:30");
		await user.click(await button("Save hours"));
		await waitFor(() =>
			expect(backend.world.book.locations[1]?.weekly[0]).toEqual([["08:30", "17:30"]]),
		);
	});

	it("saves a person's hours without losing their days off", async () => {
		const { backend, user } = open("open");
		const amin = backend.world.book.staff.find((one) => one.id === "res_amin");
		if (amin) amin.closed = ["2026-04-02", "2026-08-10"];
		await screen.findByText("2 devices in step");
		await user.click(await button("Settings"));
		await user.click(await button("Staff"));
		await user.click(await button("Working hours: Dr Leila Amin"));
		const from = screen.getAllByLabelText("Opens on Monday")[0]!;
		await user.clear(from);
		await user.type(from, "1015");
		await user.click(await button("Save hours"));
		const saved = () => backend.world.book.staff.find((one) => one.id === "res_amin");
		await waitFor(() => expect(saved()?.hours["loc_river"]?.[0]?.[0]?.[0]).toBe("10:15"));
		expect(saved()?.closed).toEqual(["2026-04-02", "2026-08-10"]);
	});

	it("shows a manager the relay, and the form only to an owner", async () => {
		const { backend, user } = open("open");
		const seat = backend.world.seats.find((one) => one.here);
		if (seat) seat.role = "manager";
		await screen.findByText("2 devices in step");
		await user.click(await button("Settings"));
		await user.click(await button("Relay"));
		expect(await screen.findByText(/Only an owner sets/)).toBeInTheDocument();
		expect(screen.queryByLabelText("Address")).toBeNull();
		expect(screen.queryByText(/Your role may look/)).toBeNull();
		expect(await button("Look again")).toBeInTheDocument();
	});

	it("lets anyone choose when this computer locks by itself", async () => {
		const { backend, user } = open("open");
		const seat = backend.world.seats.find((one) => one.here);
		if (seat) seat.role = "receptionist";
		await user.click(await button("Settings"));
		await user.click(await button("This computer"));
		const choice = await screen.findByLabelText("Lock after");
		expect(choice).toHaveValue("5");
		expect(screen.queryByText(/Your role may look/)).toBeNull();
		await user.selectOptions(choice, "Never (not advised)");
		expect(localStorage.getItem("lock-after-minutes")).toBe("0");
		expect(screen.getByText(/Whoever passes by/)).toBeInTheDocument();
	});

	it("locks by itself after a warning, with nobody there", async () => {
		let now = Date.parse("2026-03-04T08:00:00Z");
		const moving = { now: () => new Date(now) };
		const backend = fakeBackend({ clock: moving, phase: "open" });
		render(App, { props: { backend, clock: moving } });
		await screen.findByText("2 devices in step");
		now += 4.5 * 60_000;
		expect(await screen.findByText(/locks in one minute/, {}, { timeout: 3000 })).toBeVisible();
		now += 30_000;
		expect(
			await screen.findByRole("heading", { name: "Locked" }, { timeout: 3000 }),
		).toBeInTheDocument();
		expect(backend.world.phase).toBe("locked");
	});

	it("makes a join code and shows it once", async () => {
		const { user } = await desk();
		await user.click(await button("Settings"));
		await user.click(await button("People and devices"));
		await user.click(await button("Invite a device"));
		await user.click(await button("Make a code"));
		expect(await screen.findByLabelText("Join code")).toHaveValue(
			"DAYBK-7Q4MX-2HT9C-WLE3R-80ZPA-5KVNJ-B6YUF-1SDG2",
		);
	});

	it("backs up and says where", async () => {
		const { user } = await desk();
		await user.click(await button("Settings"));
		await user.click(await button("Backup"));
		await user.type(screen.getByLabelText("Folder"), "usb");
		await user.click(await button("Back up now"));
		expect(await screen.findByText(/Write the full path/)).toBeInTheDocument();
		await user.clear(screen.getByLabelText("Folder"));
		await user.type(screen.getByLabelText("Folder"), "/media/usb");
		await user.click(await button("Back up now"));
		expect(
			await screen.findByText(
				/Written and verified: \/media\/usb\/daybook-20260304-080000\.backup/,
			),
		).toBeInTheDocument();
	});

	it("keeps calm offline and counts what waits to be sent", async () => {
		const { backend } = await desk();
		backend.world.link = "offline";
		await backend.execute({ type: "edit_entry", of: "res_cole", name: "Dr T. Cole" });
		expect(await screen.findByText(/^Offline, work goes on/)).toBeInTheDocument();
		expect(await screen.findByText("1 change waits to be sent")).toBeInTheDocument();
	});

	it("lets a receptionist look but not change", async () => {
		const { backend, user } = open("open");
		const seat = backend.world.seats[0];
		if (seat) seat.role = "receptionist";
		await user.click(await button("Settings"));
		expect(await screen.findByText(/Your role may look/)).toBeInTheDocument();
		expect(screen.queryByRole("button", { name: "Add a site" })).toBeNull();
	});

	it("locks", async () => {
		const { backend, user } = await desk();
		await user.click(await button("Lock"));
		expect(await screen.findByRole("heading", { name: "Locked" })).toBeInTheDocument();
		expect(backend.world.phase).toBe("locked");
	});

	it("remembers the chosen appearance", async () => {
		const { user } = await desk();
		await user.click(await button("Appearance"));
		await user.click(await screen.findByRole("menuitemradio", { name: "Dark" }));
		expect(document.documentElement).toHaveClass("dark");
		expect(localStorage.getItem("theme")).toBe("dark");
	});
});
