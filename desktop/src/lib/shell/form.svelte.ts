/** A form that is sent once at a time and shows a refusal at the field it names. */
import { asRefusal } from "../backend/backend";
import type { Refusal } from "../backend/types/Refusal";

export class Form {
	busy = $state(false);
	refusal = $state<Refusal | null>(null);
	/** What the form itself found wrong, by field. */
	private own = $state<Record<string, string>>({});

	/** What is wrong with a field: what the form found, else what the program said of it. */
	error(field: string): string | undefined {
		if (this.own[field]) return this.own[field];
		if (this.refusal?.field !== field) return undefined;
		return [this.refusal.message, this.refusal.help].filter(Boolean).join(" ");
	}

	/** A refusal that no given field shows. */
	general(fields: readonly string[]): Refusal | null {
		const refusal = this.refusal;
		return refusal && !(refusal.field && fields.includes(refusal.field)) ? refusal : null;
	}

	/** Checks, then sends. `true` when it went through. The first wrong field gets the focus. */
	async send(
		form: HTMLElement | undefined,
		checks: Readonly<Record<string, string | false | undefined>>,
		send: () => Promise<unknown>,
	): Promise<boolean> {
		if (this.busy) return false;
		this.refusal = null;
		this.own = Object.fromEntries(
			Object.entries(checks).filter((entry): entry is [string, string] => Boolean(entry[1])),
		);
		let done = false;
		if (Object.keys(this.own).length === 0) {
			this.busy = true;
			try {
				await send();
				done = true;
			} catch (thrown) {
				this.refusal = asRefusal(thrown);
			}
			this.busy = false;
		}
		if (!done) requestAnimationFrame(() => focusWrong(form));
		return done;
	}

	clear(): void {
		this.refusal = null;
		this.own = {};
	}
}

function focusWrong(form: HTMLElement | undefined): void {
	form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
