/** Light, dark or as the system; high contrast on top. Kept on this computer, per window. */
export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

export class Appearance {
	theme = $state<Theme>("system");
	contrast = $state(false);

	constructor(
		private readonly root: HTMLElement = document.documentElement,
		private readonly store: Pick<Storage, "getItem" | "setItem"> = localStorage,
	) {
		const kept = store.getItem("theme");
		if (kept === "light" || kept === "dark") this.theme = kept;
		this.contrast = store.getItem("contrast") === "on";
		this.apply();
	}

	choose(theme: Theme): void {
		this.theme = theme;
		this.store.setItem("theme", theme);
		this.apply();
	}

	setContrast(on: boolean): void {
		this.contrast = on;
		this.store.setItem("contrast", on ? "on" : "off");
		this.apply();
	}

	/** Follows the system; call the result to stop. */
	listen(): () => void {
		const system = matchMedia("(prefers-color-scheme: dark)");
		const follow = () => this.apply();
		system.addEventListener("change", follow);
		return () => system.removeEventListener("change", follow);
	}

	private apply(): void {
		const dark =
			this.theme === "dark" ||
			(this.theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
		this.root.classList.toggle("dark", dark);
		this.root.classList.toggle("light", !dark);
		this.root.classList.toggle("contrast", this.contrast);
	}
}
