import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
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

/** Typing letter by letter takes a browser's time; nobody types a key that way either. */
async function put(user: ReturnType<typeof userEvent.setup>, label: string, text: string) {
	const field = screen.getByLabelText(label);
	await user.clear(field);
	await user.click(field);
	await user.paste(text);
}

const button = (name: string) => screen.findByRole("button", { name });

async function page(user: ReturnType<typeof userEvent.setup>, name: string) {
	await user.click(await button("Settings"));
	await user.click(await button(name));
}

beforeEach(() => localStorage.clear());

describe("the recovery kit", () => {
	it("shows what belongs beside the words", async () => {
		const { user } = open();
		await user.click(await button("Try the recovery words"));
		expect(await screen.findByText(/^org_/)).toBeVisible();
		expect(screen.getByText("wss://relay.example.org")).toBeVisible();
		expect(screen.getByText(/shown once, when the practice was founded/)).toBeVisible();
	});

	it("tries the words", async () => {
		const { backend, user } = open();
		await page(user, "Recovery kit");
		await put(user, "The 24 recovery words", "one two three");
		expect(screen.getByText("3 of 24 words")).toBeVisible();
		await user.click(await button("Try them"));
		expect(await screen.findByText(/belong to another practice/)).toBeVisible();
		await put(user, "The 24 recovery words", backend.world.words.join(" ").toUpperCase());
		await user.click(await button("Try them"));
		expect(await screen.findByText(/The words are good/)).toBeVisible();
		expect(screen.getByLabelText("The 24 recovery words")).toHaveValue("");
		expect(screen.queryByRole("button", { name: "Try the recovery words" })).toBeNull();
	});

	it("can be put off", async () => {
		const { user } = open();
		await user.click(await button("Try the recovery words"));
		await user.click(await button("Not now"));
		expect(await screen.findByText(/asked again in two weeks/)).toBeVisible();
		expect(screen.queryByRole("button", { name: "Not now" })).toBeNull();
	});

	it("gets new words, of which two are asked back before they count", async () => {
		const { backend, user } = open();
		await page(user, "Recovery kit");
		const old = backend.world.words.join(" ");
		await user.click(await button("New recovery words"));
		const dialog = within(await screen.findByRole("dialog"));
		const words = dialog.getAllByRole("listitem").map((one) => one.querySelector("strong")!);
		const texts = words.map((one) => one.textContent);
		expect(texts).toHaveLength(24);
		await user.click(dialog.getByRole("button", { name: /written/i }));
		await user.type(dialog.getByLabelText("Word 3"), "dragonfly");
		await user.type(dialog.getByLabelText("Word 17"), texts[16] ?? "");
		await user.click(dialog.getByRole("button", { name: "Make these words count" }));
		expect(await dialog.findByText(/not word 3/i)).toBeVisible();
		expect(backend.world.words.join(" ")).toBe(old);
		await user.clear(dialog.getByLabelText("Word 3"));
		await user.type(dialog.getByLabelText("Word 3"), (texts[2] ?? "").toUpperCase());
		await user.click(dialog.getByRole("button", { name: "Make these words count" }));
		expect(await dialog.findByText(/From now on these words count/)).toBeVisible();
		expect(dialog.getByText("6-" + "9f".repeat(16))).toBeVisible();
		expect(backend.world.words.join(" ")).toBe(texts.join(" "));
		await user.click(dialog.getAllByRole("button", { name: "Close" }).at(-1)!);
		expect(await screen.findByText(/never been tried/)).toBeVisible();
	});

	it("is a picture beside the words when a practice is founded, and beside a code", async () => {
		const { user } = open();
		await page(user, "People and devices");
		await user.click(await button("Invite a device"));
		const dialog = within(screen.getByRole("dialog"));
		await user.click(dialog.getByRole("button", { name: "Make a code" }));
		expect(await dialog.findByRole("img", { name: "The code as a picture" })).toBeVisible();
		expect(dialog.getByLabelText("Join code")).toBeInTheDocument();
	});
});

describe("coming back with the words", () => {
	it("asks for what stands on the kit and leads to the lost computers", async () => {
		const { backend, user } = open("empty");
		await user.click(await screen.findByRole("button", { name: /All computers are lost/ }));
		await user.click(await button("Bring everything back"));
		expect(screen.getAllByText("This is needed.").length).toBeGreaterThan(1);
		await put(user, "The 24 recovery words", backend.world.words.join(" "));
		await put(user, "Relay", "wss://relay.example.org");
		await put(user, "Relay's key", "beef");
		await put(user, "Passphrase", "a new beginning");
		await put(user, "Passphrase again", "a new beginning");
		await user.click(await button("Bring everything back"));
		expect(await screen.findByText(/This is no key of a relay/)).toBeVisible();
		await put(user, "Relay's key", "7d".repeat(32));
		await user.click(await button("Bring everything back"));
		expect(await screen.findByText(/1 computer belonged to the practice before/)).toBeVisible();
		expect(await screen.findByRole("heading", { name: "People and devices" })).toBeVisible();
	});
});

describe("backups", () => {
	it("are made by themselves, until somebody stops that", async () => {
		const { backend, user } = open();
		await page(user, "Backup");
		await put(user, "Into this folder", "/media/stick");
		await put(user, "Every so many hours", "500");
		await user.click(await button("Back up now and from now on"));
		expect(screen.getByText("Write 1 to 168.")).toBeVisible();
		await put(user, "Every so many hours", "12");
		await user.click(await button("Back up now and from now on"));
		expect(await screen.findByText(/Every 12 hours into \/media\/stick/)).toBeVisible();
		expect(backend.world.plan?.keep).toBe(7);
		await user.click(await button("Stop"));
		expect(await screen.findByText(/no longer made by themselves/)).toBeVisible();
		expect(await button("Back up now and from now on")).toBeVisible();
	});

	it("say what they hold", async () => {
		const { user } = open();
		await page(user, "Backup");
		await put(user, "Backup file", "/media/stick/nothing");
		await user.click(await button("Read it"));
		expect(await screen.findByText(/The backup file cannot be read/)).toBeVisible();
		await put(user, "Backup file", "/media/stick/daybook-1.backup");
		await user.click(await button("Read it"));
		expect(await screen.findByText(/every signature in it is good/)).toBeVisible();
	});
});
