/**
 * Functions that run inside the page. They find things as a person does: by what they are and what
 * they are called, visible ones only. Each is sent as text, so none may use anything outside itself.
 */

/** The visible elements with this role whose name matches, in document order. */
export function locate(role, pattern, flags) {
	const selectors = {
		button: "button, [role=button], input[type=submit]",
		textbox:
			"input:not([type]), input[type=text], input[type=password], input[type=search], input[type=tel], input[type=email], input[type=url], textarea, [role=textbox]",
		combobox: "select, [role=combobox]",
		checkbox: "input[type=checkbox], [role=checkbox], [role=switch]",
		radio: "input[type=radio], [role=radio]",
		spinbutton: "input[type=number]",
		time: "input[type=time], input[type=date], input[type=datetime-local]",
		link: "a[href]",
		heading: "h1, h2, h3, h4, [role=heading]",
		dialog: "dialog[open], [role=dialog], [role=alertdialog]",
		listitem: "li, [role=listitem]",
		option: "option, [role=option]",
		tab: "[role=tab]",
		row: "tr, [role=row]",
		gridcell: "[role=gridcell]",
		status: "[role=status], [role=alert], output",
		text: "p, span, strong, em, dt, dd, li, td, th, label, legend, output, time, h1, h2, h3, h4, code, div:not(:has(*))",
	};
	const wanted = new RegExp(pattern, flags);
	const squeeze = (text) => (text ?? "").replace(/\s+/g, " ").trim();
	const nameOf = (element) => {
		const by = element.getAttribute("aria-labelledby");
		if (by !== null) {
			return by
				.split(/\s+/)
				.map((id) => document.getElementById(id)?.textContent)
				.join(" ");
		}
		const own = element.getAttribute("aria-label");
		if (own !== null) return own;
		if (element.labels?.length > 0) return [...element.labels].map((l) => l.textContent).join(" ");
		if (role === "dialog") return element.querySelector("h1, h2, h3")?.textContent;
		return element.textContent || element.title || element.placeholder || element.value;
	};
	return [...document.querySelectorAll(selectors[role] ?? role)].filter(
		(element) =>
			element.checkVisibility({ visibilityProperty: true }) &&
			wanted.test(squeeze(nameOf(element))),
	);
}

/** What the page shows, for a message when something is missing. */
export function visibleText() {
	return document.body.innerText;
}
