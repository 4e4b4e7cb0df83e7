/**
 * Which of the first screens stands: founding, its recovery words, unlocking, or the desk.
 *
 * The recovery words live here only from founding until two of them were typed back.
 */
import { asRefusal, type Backend } from "../backend/backend";
import type { HomeRequest } from "../backend/types/HomeRequest";
import type { Picture } from "../backend/types/Picture";
import type { Refusal } from "../backend/types/Refusal";

export type Phase = "loading" | "failed" | "empty" | "words" | "locked" | "open" | "removed";

export class Session {
	phase = $state<Phase>("loading");
	failure = $state<Refusal | null>(null);
	words = $state<readonly string[]>([]);
	/** The same as a picture, and whose they are; as short-lived as the words. */
	kit = $state<{ picture: Picture; organisation: string } | null>(null);
	/** Computers that were part of the practice before it came back with the words. */
	lost = $state(0);
	/** Locked, and a PIN opens it. */
	paused = $state(false);
	/** Counts who takes the desk: each gets a desk of their own, with nothing of the last. */
	turn = $state(0);

	constructor(private readonly backend: Backend) {}

	async start(): Promise<void> {
		this.failure = null;
		try {
			const status = await this.backend.home({ type: "status" });
			this.paused = status.paused;
			this.phase = status.phase;
		} catch (thrown) {
			this.failure = asRefusal(thrown);
			this.phase = "failed";
		}
	}

	async found(practice: string, location: string, zone: string, passphrase: string): Promise<void> {
		const reply = await this.backend.home({ type: "found", practice, location, zone, passphrase });
		this.words = reply.words;
		this.kit = { picture: reply.picture, organisation: reply.organisation };
		this.phase = "words";
	}

	/** The words were checked; they are forgotten here. */
	wordsChecked(): void {
		this.words = [];
		this.kit = null;
		this.phase = "open";
	}

	async join(code: string, passphrase: string): Promise<void> {
		await this.backend.home({ type: "join", code, passphrase });
		this.phase = "open";
	}

	async rescue(kit: Omit<Extract<HomeRequest, { type: "rescue" }>, "type">): Promise<void> {
		const reply = await this.backend.home({ type: "rescue", ...kit });
		this.lost = reply.lost.length;
		this.phase = "open";
	}

	async restore(file: string): Promise<void> {
		await this.backend.home({ type: "restore", file });
		await this.start();
	}

	async unlock(passphrase: string): Promise<void> {
		const reply = await this.backend.home({ type: "unlock", passphrase });
		if (reply.type === "status") {
			// The computer is open, but this person has no seat here any more.
			this.paused = reply.paused;
			this.phase = reply.phase;
		} else this.phase = "open";
	}

	async recover(words: string, passphrase: string): Promise<void> {
		await this.backend.home({ type: "recover", words, passphrase });
		this.phase = "open";
	}

	async lock(): Promise<void> {
		await this.backend.home({ type: "lock" });
		this.paused = false;
		this.phase = "locked";
	}

	/** Nobody is at the desk; a PIN brings somebody back, if anybody has one. */
	async pause(): Promise<void> {
		const status = await this.backend.home({ type: "pause" });
		this.paused = status.paused;
		this.phase = status.phase;
	}

	/** The program says that it is locked already. */
	readonly locked = (): void => {
		this.paused = false;
		this.phase = "locked";
		// Perhaps for good: this computer may have been removed.
		void this.start();
	};

	/** Gives the desk to somebody. */
	async switchTo(seat: string, pin: string, passphrase?: string): Promise<void> {
		await this.backend.home({
			type: "switch",
			seat,
			pin,
			...(passphrase === undefined ? {} : { passphrase }),
		});
		this.paused = false;
		this.turn += 1;
		this.phase = "open";
	}
}
