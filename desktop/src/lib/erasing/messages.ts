/** The English words of erasing and holding. One place, so that others follow. */
import type { ErasureBasis } from "../backend/types/ErasureBasis";

export const words = {
	hold: "Hold…",
	holdTitle: "Must this client be kept?",
	holdLead:
		"A client under a hold is not erased. The reason is part of the record: whoever reads the record reads it.",
	reason: "Reason",
	reasonHint: "Such as a dispute, or the number of years that the law asks for. Empty: no duty.",
	held: (reason: string) => `Must be kept: ${reason}`,
	erase: "Erase…",
	eraseTitle: (name: string) => `Erase ${name}?`,
	eraseNow: "Erase for good",
	gone: "What is destroyed",
	goneList: [
		"Name, telephone, e-mail and note, and the same of every pet.",
		"All cards of the client and the pets: handling, clinical, grooming, payments.",
		"Who came for which visit, and what was noted about it.",
	],
	where: "Where",
	whereList: [
		"At the relay, before anybody hears of it.",
		"On every computer of the practice at its next contact with the relay. One that was away gives up its own notes about the client before it sends anything.",
	],
	stays: "What stays",
	staysList: [
		"That somebody came at these times: “Erased client”.",
		"What was printed, exported, photographed or told.",
		"Computers that never connect again, and copies of disks and backups made before. A backup that is put back gives the client up at its first contact.",
		"What was written about the client in places that are not the client's: a note on another record, a block's title.",
	],
	never: "An erasure is never taken back, by anybody.",
	basis: "Why",
	bases: {
		request: "The person asked for it",
		retention: "It was kept long enough",
		mistake: "It should never have been entered",
		order: "A court or an authority ordered it",
	} satisfies Record<ErasureBasis, string>,
	confirm: (name: string) => `Type the name to confirm: ${name}`,
	differs: "This is not the client's name.",
	list: "Erasures",
	lead: "What was destroyed, without saying of whom, and which computers have done it.",
	none: "Nothing was erased yet.",
	done: (done: number, of: number) => `${done} of ${of} computers have done it`,
	keys: (n: number) => (n === 1 ? "1 key destroyed" : `${n} keys destroyed`),
	here: "this computer",
	/** What is called by its role alone begins as a name does. */
	device: (label: string) =>
		label === "" ? "A computer without a seat" : label.charAt(0).toUpperCase() + label.slice(1),
	doneAt: (when: string) => `done ${when}`,
	notYet: (seen: string) => `not yet; last heard of ${seen}`,
	neverHeard: "not yet; nothing of it has arrived here",
	certificate: "Certificate…",
	certificateTitle: "Write a certificate",
	certificateLead:
		"A file that proves this erasure to somebody who trusts nobody here. It names no client. The guide says how it is verified.",
	file: "File",
	fileHint: "The full path of a new file.",
	write: "Write",
	written: (file: string) => `The certificate is in ${file}.`,
	late: "The relay did not answer: words of other computers may be missing in it.",
};
