/** What is said about recovery kits, the way back after a loss, and backups on a timetable. */
export const care = {
	rescue: {
		title: "All computers are lost",
		text: "With the recovery kit, from the relay.",
		lead: "Everything comes back from the relay. This computer becomes an owner's.",
		words: "The 24 recovery words",
		wordsHint: "Or the line that a telephone reads from the kit's picture",
		organisation: "Practice's id",
		organisationHint: "Begins with org_. The kit's line brings it along.",
		relay: "Relay",
		relayHint: "As on the kit, e.g. wss://relay.example.org:7300",
		key: "Relay's key",
		keyHint: "64 letters and digits, as on the kit",
		act: "Newest act",
		actHint:
			"The number, the dash and 32 letters and digits on the kit. With it a relay that hides who was removed is found out.",
		start: "Bring everything back",
		running: "Coming back…",
		lost: (n: number) =>
			n === 1
				? "1 computer belonged to the practice before. If it is lost, remove it under People and devices."
				: `${n} computers belonged to the practice before. Remove those that are lost under People and devices.`,
	},
	kit: {
		picture: "Words and practice as a picture",
		codePicture: "The code as a picture",
		id: "Practice's id",
		relay: "Relay",
		relayKey: "Relay's key",
		standby: "Spare relay's key",
		act: "Newest act",
		practice: "Practice",
		noRelay:
			"No relay is set yet. Print this page again when it is: the way back needs its address and key.",
		lead: "The paper that brings the practice back when every computer is lost: the 24 words, and this page.",
		noWords:
			"The words are not here: they were shown once, when the practice was founded, and are kept nowhere. Keep this page with them.",
		print: "Print this page",
		afterwards:
			"The relay's address and key belong on the same paper: print them later under Settings, Recovery kit.",
		drill: "Try the words",
		drillLead:
			"Type them from the paper. They are compared with the practice's keys and must open the newest ones; nothing is changed.",
		words: "The 24 recovery words",
		wordsHint: (n: number) => `${n} of 24 words`,
		run: "Try them",
		running: "Trying…",
		good: "The words are good: they would bring the practice back.",
		last: (when: string) => `The words were last tried ${when}.`,
		never: "The words have never been tried at this computer.",
		due: "Try the recovery words",
		later: "Not now",
		laterDone: "You will be asked again in two weeks.",
		renew: "New recovery words",
		renewHint:
			"If somebody saw the words or a kit is lost: make new ones. From then on only those count; the practice's keys are made anew, and the old words open nothing that is written later.",
		renewLead: "Write these 24 words down, on paper, now. The old ones count until you have.",
		renewStay: "They are shown now and never again.",
		renewNow: "Make these words count",
		renewing: "Making new keys…",
		renewed:
			"From now on these words count. Print this page twice, keep the pages apart, and destroy the old kits. Then try the new words once. Backups made before open with the old words.",
	},
	backup: {
		automatic: "By itself",
		automaticLead:
			"Into a folder or onto a stick. A stick that is away is waited for. No file is kept longer than 30 days, so that what is erased leaves the backups too.",
		into: "Into this folder",
		hours: "Every so many hours",
		hoursWrong: "Write 1 to 168.",
		keep: "Keep so many",
		keepWrong: "Write 1 to 100.",
		set: "Back up now and from now on",
		change: "Change it",
		stop: "Stop",
		plan: (folder: string, hours: number, keep: number) =>
			`Every ${hours} hours into ${folder}; the last ${keep} are kept.`,
		stopped: "Backups are no longer made by themselves. The files stay.",
		waits: "The backup waits:",
		verify: "Look into a backup",
		file: "Backup file",
		fileHint: "Full path of the file",
		passphrase: "Its passphrase",
		passphraseHint: "Only for a backup of another computer",
		read: "Read it",
		reading: "Reading…",
		whole: (size: string) => `The file is whole (${size}).`,
		made: (when: string) => `Written ${when}.`,
		holds: (practice: string, visits: number, entries: number) =>
			`It opens, and every signature in it is good: ${practice}, ${visits} visits, ${entries} entries.`,
		sealed: "It is sealed for another computer: give its passphrase to see whether it opens.",
	},
} as const;
