/** The one calm line: where this computer stands, in a few words, most needed first. Pure. */
import type { StateView } from "../backend/types/StateView";
import { askedLater } from "../care/drill";
import { care } from "../care/messages";
import { ago, longDay, t } from "../messages";

export interface Phrase {
	readonly id: "link" | "outbox" | "review" | "copy" | "alarms" | "drill" | "backup" | "lease";
	readonly text: string;
	readonly tone: "good" | "plain" | "warning" | "danger";
}

export function standing(state: StateView, devices: number, now: Date, zone: string): Phrase[] {
	const line: Phrase[] = [linkPhrase(state, devices, now, zone)];
	// Without a relay nothing can be sent, so what waits is no news.
	if (state.outbox > 0 && state.link !== "no_relay")
		line.push({ id: "outbox", text: t.state.sending(state.outbox), tone: "plain" });
	if (state.reviews > 0)
		line.push({ id: "review", text: t.state.review(state.reviews), tone: "warning" });
	if (state.alarms.length > 0)
		line.push({ id: "alarms", text: t.state.alarms(state.alarms.length), tone: "danger" });
	const lease = state.care.lease;
	if (lease && lease.phase !== "holds")
		line.push({
			id: "lease",
			text: lease.phase === "over" ? t.lease.over : t.lease.ends(longDay(lease.until)),
			tone: "warning",
		});
	if (state.care.only_copy) line.push({ id: "copy", text: t.state.onlyCopy, tone: "warning" });
	else if (state.care.backup_waits !== undefined)
		line.push({ id: "backup", text: t.state.backupWaits, tone: "plain" });
	// A quiet word, and one that can be put off.
	if (state.care.drill_due && !askedLater(now))
		line.push({ id: "drill", text: care.kit.due, tone: "plain" });
	return line;
}

function linkPhrase(state: StateView, devices: number, now: Date, zone: string): Phrase {
	const since = state.in_step_at ? `, ${t.state.lastSeen(ago(state.in_step_at, now, zone))}` : "";
	switch (state.link) {
		case "no_relay":
			return { id: "link", text: t.state.alone, tone: "plain" };
		case "offline":
			return { id: "link", text: t.state.offline + since, tone: "plain" };
		case "connecting":
			return { id: "link", text: capital(t.state.connecting) + since, tone: "plain" };
		case "catching_up":
			return { id: "link", text: capital(t.state.catchingUp), tone: "plain" };
		case "in_step":
			return {
				id: "link",
				text: devices > 1 ? t.state.inStepMany(devices) : capital(t.state.inStep),
				tone: "good",
			};
	}
}

function capital(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}
