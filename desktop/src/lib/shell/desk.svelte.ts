/**
 * What every screen of the open desk shares: the practice, where this computer stands, the view on
 * show, notices and undo. Holds state, renders nothing.
 *
 * `start` reads everything once; `listen` keeps it fresh from the program's events.
 */
import { asRefusal, type AnswerTo, type Backend } from "../backend/backend";
import type { Command } from "../backend/types/Command";
import type { Event } from "../backend/types/Event";
import type { Refusal } from "../backend/types/Refusal";
import type { Reply } from "../backend/types/Reply";
import type { SeatView } from "../backend/types/SeatView";
import type { Clock } from "../clock";
import { t, wording } from "../messages";
import { coalesce } from "./coalesce";
import { Toasts } from "./toasts.svelte";

export const VIEWS = ["day", "review", "clients", "settings"] as const;
export type View = (typeof VIEWS)[number];

export const SECTIONS = [
	"practice",
	"staff",
	"rooms",
	"services",
	"people",
	"relay",
	"audit",
	"backup",
	"kit",
	"retention",
	"erasures",
	"computer",
] as const;
export type Section = (typeof SECTIONS)[number];

export class Desk {
	view = $state<View>("day");
	section = $state<Section>("practice");
	practice = $state<AnswerTo<"practice"> | null>(null);
	state = $state<AnswerTo<"state"> | null>(null);
	people = $state<AnswerTo<"people"> | null>(null);
	readonly toasts = new Toasts();

	/** Devices that may open this book, this one included. */
	readonly devices = $derived(countDevices(this.people?.seats ?? []));
	/** The seat at the desk, as long as it has no keys to read even the sites with. */
	readonly keyless = $derived(
		this.practice?.locations.length === 0
			? this.people?.seats.find((one) => one.here && !one.keys && !one.removed)
			: undefined,
	);

	/** Owners and managers set the place up; everyone else may look. */
	readonly mayManage = $derived(
		this.practice?.role === "owner" || this.practice?.role === "manager",
	);

	/** Which relay is believed is for owners to say. */
	readonly mayRelay = $derived(this.practice?.role === "owner");

	private undos: number[] = [];

	constructor(
		readonly backend: Backend,
		readonly clock: Clock,
		/** The program says it is locked. */
		private readonly onlocked: () => void = () => {},
	) {}

	async start(): Promise<void> {
		await Promise.all([this.loadPractice(), this.loadState(), this.loadPeople()]);
		// An empty book has nothing to show yet: begin where the first person is added.
		if (this.mayManage && this.practice?.staff.length === 0) this.show("settings", "staff");
	}

	listen(): () => void {
		return this.backend.onEvent((event) => this.hear(event));
	}

	private hear(event: Event): void {
		if (event.type === "just_taken") {
			// What was booked is withdrawn: it is neither booked nor to be undone.
			for (const { about, undo } of this.toasts.list)
				if (about === event.appointment) this.undos = this.undos.filter((one) => one !== undo);
			this.toasts.withdraw(event.appointment);
			// The day shows it with the next best slots; elsewhere a notice leads there.
			if (this.view !== "day")
				this.toasts.show({ text: t.toast.justTaken(event.title), tone: "warning" });
			return;
		}
		if (event.practice) void this.loadPractice();
		if (event.practice || event.link) void this.loadPeople();
		if (event.link || event.schedule) void this.loadState();
	}

	readonly loadPractice = this.reading(async () => {
		this.practice = await this.backend.query({ type: "practice" });
	});

	readonly loadState = this.reading(async () => {
		this.state = await this.backend.query({ type: "state" });
	});

	readonly loadPeople = this.reading(async () => {
		this.people = await this.backend.query({ type: "people" });
	});

	/** Changes something and says so. Rejects with the refusal, for a form to show. */
	async execute(command: Command): Promise<Reply> {
		const reply = await this.backend.execute(command);
		this.said(reply);
		return reply;
	}

	/** A change went through. */
	readonly said = (reply: Reply): void => {
		if (reply.undo !== undefined) this.undos.push(reply.undo);
		this.toasts.show({
			text: reply.said,
			about: reply.id,
			tone: reply.warnings?.length ? "warning" : "plain",
			...(reply.warnings?.length
				? { detail: reply.warnings.map((warning) => t.warnings[warning]).join(" ") }
				: {}),
			...(reply.undo === undefined ? {} : { undo: reply.undo }),
		});
	};

	/** A change was refused and no form shows it. */
	readonly refused = (refusal: Refusal): void => {
		if (refusal.code === "locked" || refusal.code === "removed") {
			this.onlocked();
			return;
		}
		const { title, severity, message, help } = wording(refusal);
		this.toasts.show({
			text: title,
			detail: [message, help].filter(Boolean).join(" "),
			tone: severity === "note" ? "plain" : severity === "warning" ? "warning" : "danger",
		});
	};

	/** Takes the last change back, or the one a notice names. */
	async undo(step?: number): Promise<void> {
		const wanted = step ?? this.undos.at(-1);
		// Whatever comes of it, it is not offered twice.
		this.undos = this.undos.filter((one) => one !== wanted);
		for (const toast of this.toasts.list)
			if (wanted !== undefined && toast.undo === wanted) this.toasts.dismiss(toast.id);
		await this.attempt(async () => {
			const reply = await this.backend.execute(
				wanted === undefined ? { type: "undo" } : { type: "undo", step: wanted },
			);
			this.said(reply);
		});
	}

	show(view: View, section?: Section): void {
		this.view = view;
		if (section) this.section = section;
	}

	private reading(read: () => Promise<void>): () => Promise<void> {
		return coalesce(async () => {
			await this.attempt(read);
		});
	}

	/** Runs something whose refusal nobody else shows. */
	async attempt(what: () => Promise<void>): Promise<boolean> {
		try {
			await what();
			return true;
		} catch (thrown) {
			this.refused(asRefusal(thrown));
			return false;
		}
	}
}

function countDevices(seats: readonly SeatView[]): number {
	return new Set(seats.filter((seat) => !seat.removed).map((seat) => seat.device)).size;
}
