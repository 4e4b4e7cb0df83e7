/**
 * The one typed door between screens and the program: three calls and a stream of events.
 *
 * Screens take a `Backend`; which one it is (the desktop shell, or the in-memory practice used by
 * tests and by a plain browser) is decided once, in `main.ts`. A call that fails rejects with a
 * `Refusal`, never with anything else.
 */
import type { Answer } from "./types/Answer";
import type { Command } from "./types/Command";
import type { Event } from "./types/Event";
import type { HomeReply } from "./types/HomeReply";
import type { HomeRequest } from "./types/HomeRequest";
import type { Query } from "./types/Query";
import type { Refusal } from "./types/Refusal";
import type { Reply } from "./types/Reply";

/** The answer's kind that belongs to a query's kind. */
interface AnswerKinds {
	practice: "practice";
	day: "day";
	visit: "visit";
	free: "free";
	search: "found";
	clients: "found";
	client: "client";
	cards: "cards";
	reviews: "reviews";
	clashes: "clashes";
	state: "state";
	people: "people";
	audit: "audit";
	erasures: "erasures";
	retention: "retention";
	check: "check";
}

/** The answer to one kind of query, e.g. `AnswerTo<"day">`. */
export type AnswerTo<K extends Query["type"]> = Extract<Answer, { type: AnswerKinds[K] }>;

/** The reply to one kind of wish about the home. */
interface ReplyKinds {
	status: "status";
	found: "founded";
	join: "opened";
	unlock: "opened" | "status";
	recover: "opened";
	rescue: "rescued";
	drill: "drilled";
	kit: "kit";
	new_words: "new_words";
	renew_kit: "kit_renewed";
	set_policy: "governed";
	hand_over: "governed";
	plan_backup: "backed_up";
	stop_backup: "opened" | "status";
	verify_backup: "backup";
	lock: "opened" | "status";
	pause: "status";
	seats: "seats";
	add_seat: "seats";
	join_seat: "seats";
	switch: "opened";
	set_pin: "seats";
	set_passphrase: "seats";
	keystore: "keystore";
	set_keystore: "keystore";
	remove_seat: "governed";
	remove_device: "governed";
	set_role: "governed";
	revoke_invite: "governed";
	invite: "invited";
	compare: "compare";
	compared: "governed";
	set_relay: "opened" | "status";
	set_standby: "status";
	approve_relay: "status";
	evidence: "evidence";
	audit_verify: "audited";
	erase_client: "erased";
	certificate: "certificate";
	export_client: "exported";
	backup: "backed_up";
	restore: "opened" | "status";
}
export type HomeReplyTo<K extends HomeRequest["type"]> = Extract<
	HomeReply,
	{ type: ReplyKinds[K] }
>;

export interface Backend {
	/** Found, join, unlock, lock, invite, back up. */
	home<Q extends HomeRequest>(request: Q): Promise<HomeReplyTo<Q["type"]>>;
	/** Changes something; the reply may carry a number to undo it with. */
	execute(command: Command): Promise<Reply>;
	/** Reads something. */
	query<Q extends Query>(query: Q): Promise<AnswerTo<Q["type"]>>;
	/** Calls `listener` for every event until the returned function is called. */
	onEvent(listener: (event: Event) => void): () => void;
}

/** Whether a caught value is a refusal. */
export function isRefusal(value: unknown): value is Refusal {
	return (
		typeof value === "object" &&
		value !== null &&
		typeof (value as Refusal).code === "string" &&
		typeof (value as Refusal).message === "string"
	);
}

/** Whatever was thrown, as a refusal: a fault of the program itself gets the code `internal`. */
export function asRefusal(value: unknown): Refusal {
	if (isRefusal(value)) return { ...value, help: value.help ?? "" };
	return {
		code: "internal",
		message: value instanceof Error ? value.message : String(value),
		help: "",
	};
}
