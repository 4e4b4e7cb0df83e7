/**
 * A new client with a pet, in one small form inside the booking or the list of clients.
 *
 * What was typed into the search goes into the right field: digits are a phone, letters a name.
 */
import { asRefusal, type Backend } from "../backend/backend";
import type { ClientSummary } from "../backend/types/ClientSummary";
import type { Refusal } from "../backend/types/Refusal";
import type { Reply } from "../backend/types/Reply";

export class QuickAdd {
	name = $state("");
	phone = $state("");
	email = $state("");
	pet = $state("");
	species = $state("");
	busy = $state(false);
	refusal = $state.raw<Refusal>();

	constructor(
		private readonly backend: Backend,
		typed: string,
		private readonly said: (reply: Reply) => void,
	) {
		const text = typed.trim();
		if (/^[+\d][\d\s/().-]*$/.test(text)) this.phone = text;
		else this.name = text;
	}

	/** Adds the client, and the pet if one is named; gives them as they now stand. */
	async save(): Promise<ClientSummary | undefined> {
		if (this.busy) return undefined;
		this.busy = true;
		this.refusal = undefined;
		try {
			const client = await this.backend.execute({
				type: "add_client",
				name: this.name.trim(),
				phones: list(this.phone),
				email: this.email.trim() || null,
			});
			this.said(client);
			if (this.pet.trim() !== "") {
				await this.backend.execute({
					type: "add_pet",
					client: client.id,
					name: this.pet.trim(),
					species: this.species.trim() || null,
				});
			}
			return (await this.backend.query({ type: "client", client: client.id })).client;
		} catch (error) {
			this.refusal = asRefusal(error);
			return undefined;
		} finally {
			this.busy = false;
		}
	}
}

/** Phone numbers separated by commas or semicolons. */
export function list(text: string): string[] {
	return text
		.split(/[,;\n]/)
		.map((one) => one.trim())
		.filter((one) => one !== "");
}
