/** Everything the palette can do. A list of titles and actions; matching is by the letters of words. */
import { addDays, isDate } from "../clock";
import { dayName, t } from "../messages";
import { SECTIONS, VIEWS, type Section, type View } from "./desk.svelte";
import { THEMES, type Theme } from "./theme.svelte";

export interface PaletteCommand {
	readonly id: string;
	readonly title: string;
	readonly keys?: string;
	readonly run: () => void;
}

/** What the commands act on; `Desktop.svelte` provides it. */
export interface Actions {
	readonly sites: readonly { id: string; name: string }[];
	readonly today: string;
	show(view: View, section?: Section): void;
	goTo(date: string): void;
	goToSite(id: string): void;
	find(): void;
	undo(): void;
	lock(): void;
	pause(): void;
	switchPerson(): void;
	keys(): void;
	theme(theme: Theme): void;
	contrast(): void;
}

export function paletteCommands(actions: Actions): PaletteCommand[] {
	const list: PaletteCommand[] = [
		{ id: "find", title: t.palette.find, keys: "/", run: () => actions.find() },
		{ id: "today", title: t.top.today, keys: "Alt+T", run: () => actions.goTo(actions.today) },
		...VIEWS.map((view, at) => ({
			id: `view-${view}`,
			title: t.palette.view(t.top[view]),
			keys: `Alt+${at + 1}`,
			run: () => actions.show(view),
		})),
		{ id: "undo", title: t.palette.undo, keys: "Ctrl+Z", run: () => actions.undo() },
	];
	if (actions.sites.length > 1)
		for (const site of actions.sites)
			list.push({
				id: `site-${site.id}`,
				title: t.palette.goToSite(site.name),
				run: () => actions.goToSite(site.id),
			});
	for (const section of SECTIONS)
		list.push({
			id: `section-${section}`,
			title: t.palette.settings(t.settings.sections[section]),
			run: () => actions.show("settings", section),
		});
	list.push(
		{ id: "invite", title: t.palette.invite, run: () => actions.show("settings", "people") },
		{ id: "backup", title: t.palette.backup, run: () => actions.show("settings", "backup") },
		...THEMES.map((theme) => ({
			id: `theme-${theme}`,
			title: t.palette.theme(t.top.themes[theme]),
			run: () => actions.theme(theme),
		})),
		{ id: "contrast", title: t.palette.contrast, run: () => actions.contrast() },
		{ id: "keys", title: t.palette.keys, keys: "?", run: () => actions.keys() },
		{
			id: "switch",
			title: t.palette.switch,
			keys: "Ctrl+J",
			run: () => actions.switchPerson(),
		},
		{ id: "pause", title: t.palette.pause, run: () => actions.pause() },
		{ id: "lock", title: t.palette.lock, keys: "Ctrl+L", run: () => actions.lock() },
	);
	return list;
}

/** Commands whose words begin with the typed words, in order; a typed date offers to go there. */
export function matching(
	commands: readonly PaletteCommand[],
	typed: string,
	actions: Pick<Actions, "today" | "goTo">,
): PaletteCommand[] {
	const words = typed.trim().toLowerCase().split(/\s+/).filter(Boolean);
	const found = commands.filter((command) => {
		const title = command.title.toLowerCase();
		return words.every((word) => title.includes(word));
	});
	const date = dateFrom(typed, actions.today);
	if (!date) return found;
	const go = {
		id: "date",
		title: t.palette.goTo(dayName(date, actions.today)),
		run: () => actions.goTo(date),
	};
	return [go, ...found];
}

/** A date as people type it: `2026-03-02`, `2.3.`, `2/3`, `2/3/2027`, `+10`, `-3`. Day before month. */
export function dateFrom(typed: string, today: string): string | undefined {
	const text = typed.trim();
	if (isDate(text)) return text;
	const offset = /^([+-])(\d{1,3})$/.exec(text);
	if (offset) return addDays(today, Number(offset[2]) * (offset[1] === "-" ? -1 : 1));
	const parts = /^(\d{1,2})[./](\d{1,2})[./]?(\d{4})?$/.exec(text);
	if (!parts) return undefined;
	const two = (part: string | undefined) => (part ?? "").padStart(2, "0");
	const made = (year: number) => `${year}-${two(parts[2])}-${two(parts[1])}`;
	const year = Number(parts[3] ?? today.slice(0, 4));
	const date = made(year);
	if (!isDate(date)) return undefined;
	// Without a year, a day long past means the one to come.
	if (!parts[3] && date < addDays(today, -182))
		return isDate(made(year + 1)) ? made(year + 1) : undefined;
	return date;
}
