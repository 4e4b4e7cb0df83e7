import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { fakeBackend, type FakeBackend } from "../../lib/backend/fake";
import type { Reply } from "../../lib/backend/types/Reply";
import { Book } from "../../lib/book/book.svelte";
import { cellAt } from "../../lib/book/keyboard";
import { fixedClock } from "../../lib/clock";
import DayView from "./DayView.svelte";

const clock = fixedClock("2026-03-02T08:00:00Z");
let backend: FakeBackend;
let book: Book;
let said: Reply[];

beforeEach(async () => {
	backend = fakeBackend({ clock });
	said = [];
	book = new Book(backend, { clock, said: (reply) => said.push(reply), refused: () => {} });
	await book.start(await backend.query({ type: "practice" }), "loc_river");
	render(DayView, { book });
});

describe("the day grid", () => {
	it("is an ARIA grid with one tab stop and a header for each column", () => {
		const grid = screen.getByRole("grid");
		expect(within(grid).getAllByRole("columnheader")).toHaveLength(5);
		expect(grid.getAttribute("aria-colcount")).toBe("5");
		expect(grid.querySelectorAll('[role=gridcell][tabindex="0"]')).toHaveLength(1);
	});

	it("names every visit with time, person, state and standing", () => {
		const cell = screen.getByRole("gridcell", { name: /Simba/ });
		expect(cell.getAttribute("aria-label")).toMatch(
			/10:00 – 10:20, Dr Leila Amin, Simba · Tunde Adeyemi, Consultation, Booked, Confirmed/,
		);
	});

	it("moves the focus with the cursor", async () => {
		const user = userEvent.setup();
		screen.getByRole("grid").querySelector<HTMLElement>("[data-current]")?.focus();
		await user.keyboard("{ArrowDown}{ArrowDown}");
		expect(document.activeElement?.getAttribute("aria-label")).toMatch(/^08:40.*Dr Leila Amin/);
		await user.keyboard("{ArrowRight}");
		expect(document.activeElement?.getAttribute("aria-label")).toMatch(/^08:30, Dr Tom Cole/);
	});

	it("books by keyboard alone: N, a name, Enter, Enter", async () => {
		const user = userEvent.setup();
		if (book.model) book.place(cellAt(book.model, "res_cole", 12 * 60));
		book.focusGrid();
		await screen.findByRole("gridcell", { name: /^12:00, Dr Tom Cole/ });
		await user.keyboard("n");
		expect(await screen.findByRole("combobox", { name: "Client or pet" })).toHaveFocus();
		await user.keyboard("haddad{Enter}");
		expect(await screen.findByText("Nour Haddad")).toBeVisible();
		const button = screen.getByRole("button", { name: /^Book/ });
		await expect.poll(() => document.activeElement).toBe(button);
		await user.keyboard("{Enter}");
		await expect.poll(() => said).toHaveLength(1);
		await expect
			.poll(() => document.activeElement?.getAttribute("aria-label"))
			.toMatch(/^12:00.*Nour Haddad/);
	});

	it("adds a client and a pet inside the booking", async () => {
		const user = userEvent.setup();
		book.newHere();
		await screen.findByRole("combobox", { name: "Client or pet" });
		await user.keyboard("Ida Winter{ArrowDown}{Enter}");
		await user.type(await screen.findByLabelText("Phone"), "020 7946 0777");
		await user.type(screen.getByLabelText("Pet’s name"), "Flora");
		await user.click(screen.getByRole("button", { name: "Add client" }));
		expect(await screen.findByText("Ida Winter")).toBeVisible();
		expect(await screen.findByRole("checkbox", { name: /Flora/ })).toBeChecked();
	});

	it("shouts when columns are hidden", async () => {
		const user = userEvent.setup();
		book.toggleColumn("res_park");
		const shout = await screen.findByRole("button", { name: /Showing 3 of 4 staff/ });
		await user.click(shout);
		expect(screen.queryByRole("button", { name: /Showing/ })).toBeNull();
	});

	it("offers the next best when a slot was just taken", async () => {
		const stop = book.listen();
		const { slots } = await backend.query({ type: "free", location: "loc_river", limit: 2 });
		backend.tell({ type: "just_taken", appointment: "apt_x", title: "Rex", alternatives: slots });
		const banner = await screen.findByRole("alert");
		expect(banner).toHaveTextContent("Rex lost the slot");
		expect(within(banner).getAllByRole("button").length).toBe(3);
		stop();
	});

	it("lengthens a visit by keys, and says until when", async () => {
		const user = userEvent.setup();
		const visit = book.day?.visits.find((one) => one.details?.title.includes("Adeyemi"));
		if (!visit) throw new Error("no visit");
		if (book.model) book.place(cellAt(book.model, "res_amin", 600));
		book.focusGrid();
		await expect.poll(() => document.activeElement?.getAttribute("aria-label")).toMatch(/Simba/);
		await user.keyboard("{Shift>}{ArrowDown}{/Shift}");
		expect(await screen.findByText(/Simba.*, 30 minutes: Shift and arrows/)).toBeVisible();
		expect(screen.getByTestId("ghost")).toHaveTextContent("10:00 – 10:30");
		expect(await screen.findByText("until 10:30, 30 minutes, free")).toBeInTheDocument();
		await user.keyboard("{Enter}");
		expect(await screen.findByRole("gridcell", { name: /10:00 – 10:30.*Simba/ })).toBeVisible();
	});

	it("changes the length in the panel, and offers no cancelling once the visit has begun", async () => {
		const user = userEvent.setup();
		const visit = book.day?.visits.find((one) => one.details?.title.includes("Adeyemi"));
		if (!visit) throw new Error("no visit");
		book.open(visit);
		const field = await screen.findByLabelText("Length in minutes");
		expect(field).toHaveValue(20);
		expect(screen.getByRole("button", { name: /^Cancel visit/ })).toBeVisible();
		await user.clear(field);
		await user.type(field, "25{Enter}");
		await expect.poll(() => said).toHaveLength(1);
		expect(await screen.findByRole("gridcell", { name: /10:00 – 10:25.*Simba/ })).toBeVisible();
		await backend.execute({ type: "set_state", appointment: visit.id, state: "in_progress" });
		await book.refresh();
		expect(screen.queryByRole("button", { name: /^Cancel visit/ })).toBeNull();
		if (book.model) book.place(cellAt(book.model, "res_amin", 600));
		book.askCancel();
		expect(await screen.findByRole("alert")).toHaveTextContent(/“With vet” cannot be cancelled/);
	});
});
