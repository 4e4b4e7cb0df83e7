/** The English words of restriction and retention. One place, so that others follow. */
import type { DueView } from "../backend/types/DueView";
import type { RecordKind } from "../backend/types/RecordKind";

export const words = {
	restrict: "Restrict…",
	lift: "Lift the restriction…",
	restrictTitle: (name: string) => `Restrict what is kept about ${name}?`,
	restrictLead:
		"Nothing is lost and nothing is hidden: everybody sees that it may not be used. Booking asks first, and whoever writes says why.",
	permitted:
		"Permitted all the same: what the client agrees to, an emergency, a legal claim, protecting somebody else.",
	liftTitle: (name: string) => `May what is kept about ${name} be used again?`,
	liftLead: "Tell the client before you lift it. The restriction and its end stay in the history.",
	liftNow: "Lift it",
	restrictNow: "Restrict",
	reason: "Reason",
	reasonHint: "Such as a dispute about what is right, or that the client needs it for a claim.",
	banner: "Restricted: kept, not to be used",
	since: (when: string, by: string) => `Since ${when}, by ${by}.`,
	allowed:
		"Treat an emergency, or do what the client agreed to. Owners and managers correct the record with a reason; vets, owners and managers write on cards with a reason.",
	sign: "restricted",
	despite: "Why, although restricted",
	despiteHint: "Written into the history, such as: emergency; the client asked for it.",
	visitRestricted:
		"The client's data are restricted. Change this visit only for an emergency or what the client agreed to.",

	retention: {
		title: "Retention",
		lead: "How long records are kept after a client's last visit. Nothing is erased by a rule: it lists whose time is over.",
		notAllowed: "Owners and managers see this.",
		kinds: {
			contact: "Contact, pets, visits' notes",
			handling: "Handling cards",
			clinical: "Clinical cards",
			grooming: "Grooming cards",
			payments: "Payment cards",
		} satisfies Record<RecordKind, string>,
		months: (months: number | undefined) => {
			if (months === undefined) return "for ever";
			const [n, one, many] =
				months % 12 === 0 ? [months / 12, "year", "years"] : [months, "month", "months"];
			return `${String(n)} ${n === 1 ? one : many}`;
		},
		change: (kind: string) => `Change: ${kind}`,
		edit: "Change…",
		editTitle: (kind: string) => `How long: ${kind}`,
		field: "Months after the last visit",
		fieldHint: "1 to 1200. Empty: for ever.",
		wrong: "Write a whole number of months, 1 to 1200, or nothing.",
		due: "Whose time is over",
		dueLead:
			"Clients past the rule of every kind of record that there is of them. An erasure takes a client whole.",
		noRule: "Contact is kept for ever, so nobody's time is ever over.",
		none: "Nobody's time is over.",
		more: (shown: number, total: number) => `The first ${String(shown)} of ${String(total)}.`,
		last: (due: DueView) =>
			due.visited ? `Last visit ${due.last}` : `Never came; last written ${due.last}`,
		since: (due: DueView) => `due since ${due.since}`,
		hold: (reason: string) => `Must be kept: ${reason}`,
		restricted: "Restricted",
		coming: (n: number) =>
			n === 1 ? "1 visit is still to come" : `${String(n)} visits are to come`,
		erase: "Erase…",
		eraseOne: (name: string) => `Erase ${name}`,
	},
};
