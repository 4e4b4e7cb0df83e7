/**
 * Which of the first screens stands: founding, its recovery words, unlocking, or the desk.
 *
 * The recovery words live here only from founding until two of them were typed back.
 */
import { asRefusal, type Backend } from "../backend/backend";
import type { Refusal } from "../backend/types/Refusal";

export type Phase = "loading" | "failed" | "empty" | "words" | "locked" | "open";

export class Session {
	phase = $state<Phase>("loading");
	failure = $state<Refusal | null>(null);
	words = $state<readonly string[]>([]);

	constructor(private readonly backend: Backend) {}

	async start(): Promise<void> {
		this.failure = null;
		try {
			const status = await this.backend.home({ type: "status" });
			this.phase = status.phase;
		} catch (thrown) {
			this.failure = asRefusal(thrown);
			this.phase = "failed";
		}
	}

	async found(practice: string, location: string, zone: string, passphrase: string): Promise<void> {
		const reply = await this.backend.home({ type: "found", practice, location, zone, passphrase });
		this.words = reply.words;
		this.phase = "words";
	}

	/** The words were checked; they are forgotten here. */
	wordsChecked(): void {
		this.words = [];
		this.phase = "open";
	}

	async join(code: string, passphrase: string): Promise<void> {
		await this.backend.home({ type: "join", code, passphrase });
		this.phase = "open";
	}

	async restore(file: string): Promise<void> {
		await this.backend.home({ type: "restore", file });
		await this.start();
	}

	async unlock(passphrase: string): Promise<void> {
		await this.backend.home({ type: "unlock", passphrase });
		this.phase = "open";
	}

	async recover(words: string, passphrase: string): Promise<void> {
		await this.backend.home({ type: "recover", words, passphrase });
		this.phase = "open";
	}

	async lock(): Promise<void> {
		await this.backend.home({ type: "lock" });
		this.phase = "locked";
	}
}
