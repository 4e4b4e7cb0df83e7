/**
 * Error codes as text, severity and the way out. The program's own sentence explains the case; these
 * are the headline a person sees, and the button that helps, if one does.
 */
import type { ErrorCode } from "../backend/types/ErrorCode";
import type { Refusal } from "../backend/types/Refusal";

export type Action =
	"none" | "unlock" | "pick_slot" | "confirm" | "retry" | "backup" | "relay" | "recover";

export interface ErrorText {
	readonly title: string;
	/** `note`: part of the work. `warning`: look at it. `fault`: something is broken. */
	readonly severity: "note" | "warning" | "fault";
	readonly action: Action;
}

export const errors: { readonly [C in ErrorCode]: ErrorText } = {
	invalid_input: { title: "That cannot be used", severity: "note", action: "none" },
	not_found: { title: "No longer there", severity: "note", action: "none" },
	slot_taken: { title: "The slot is taken", severity: "note", action: "pick_slot" },
	needs_confirmation: { title: "Please confirm", severity: "note", action: "confirm" },
	time_does_not_exist: { title: "That time does not exist", severity: "note", action: "none" },
	illegal_transition: { title: "Not possible now", severity: "note", action: "none" },
	not_allowed: { title: "This is not allowed", severity: "warning", action: "none" },
	nothing_to_undo: { title: "Nothing to undo", severity: "note", action: "none" },
	wrong_passphrase: { title: "Wrong passphrase", severity: "note", action: "recover" },
	wrong_pin: { title: "Wrong PIN", severity: "note", action: "none" },
	pin_locked: { title: "Too many wrong PINs", severity: "warning", action: "none" },
	removed: { title: "Removed from the practice", severity: "warning", action: "none" },
	wrong_recovery_words: { title: "The words do not fit", severity: "note", action: "none" },
	replaced_words: { title: "These words count no more", severity: "warning", action: "none" },
	hides_acts: { title: "The relay knows less than the kit", severity: "fault", action: "none" },
	no_practice: { title: "No practice here yet", severity: "note", action: "none" },
	already_founded: {
		title: "This computer holds a practice already",
		severity: "warning",
		action: "unlock",
	},
	home_in_use: { title: "Daybook is already open", severity: "warning", action: "retry" },
	locked: { title: "Locked", severity: "note", action: "unlock" },
	damaged: { title: "Data on this computer are damaged", severity: "fault", action: "none" },
	newer_version: { title: "Written by a newer Daybook", severity: "warning", action: "none" },
	missing_key: { title: "This seat cannot read that", severity: "warning", action: "none" },
	keystore_silent: {
		title: "The keystore does not answer",
		severity: "warning",
		action: "recover",
	},
	keystore_missing: {
		title: "The keystore holds no secret for this home",
		severity: "warning",
		action: "recover",
	},
	lease_over: {
		title: "Records are closed at this computer",
		severity: "warning",
		action: "relay",
	},
	disk_full: { title: "The disk is full", severity: "fault", action: "retry" },
	storage: { title: "The disk did not take it", severity: "fault", action: "retry" },
	bad_join_code: { title: "The code is not right", severity: "note", action: "none" },
	invite_expired: { title: "The invitation has expired", severity: "note", action: "none" },
	invite_used: { title: "The invitation was used already", severity: "note", action: "none" },
	relay_unreachable: { title: "The relay does not answer", severity: "warning", action: "retry" },
	relay_refused: { title: "The relay refused", severity: "warning", action: "relay" },
	wrong_relay: { title: "Another relay than expected", severity: "fault", action: "relay" },
	internal: { title: "A fault in Daybook", severity: "fault", action: "retry" },
};

/** A refusal in words: headline, what happened, the way out. */
export function wording(
	refusal: Refusal,
): ErrorText & { readonly message: string; readonly help: string } {
	return {
		...(errors[refusal.code] ?? errors.internal),
		message: refusal.message,
		help: refusal.help,
	};
}
