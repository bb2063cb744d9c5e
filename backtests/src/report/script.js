"use strict";
(() => {
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const minus = (text) => text.replace("-", "\u2212");

  // Theme, and everything unfolded for reading or printing.
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const tools = document.querySelector(".tools");
  const tool = (text, act) => {
    const button = make("button", "", text);
    button.type = "button";
    button.addEventListener("click", () => act(button));
    tools.append(button);
  };
  tool("Unfold all", (button) => {
    const open = button.textContent === "Unfold all";
    document.querySelectorAll("main details").forEach((details) => { details.open = open; });
    button.textContent = open ? "Fold all" : "Unfold all";
  });
  tool("Light or dark", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // Hover read-outs: the nearest day, and what every series was on it.
  const readOut = (figure) => {
    const plot = figure.querySelector(".plot");
    const svg = plot.querySelector("svg[data-days]");
    const days = svg.dataset.days.split(",").map(Number);
    if (days.length < 2) return;
    const series = [...figure.querySelectorAll("[data-values]")].map((key) => ({
      mark: key.querySelector(".swatch, .number"),
      name: key.querySelector(".name").textContent,
      className: key.className,
      values: key.dataset.values.split(","),
    }));
    const first = Number(svg.dataset.first), span = Number(svg.dataset.last) - first;
    const isStack = figure.classList.contains("allocation");
    const hit = make("div", "hit"), rule = make("div", "rule"), tip = make("div", "tip");
    hit.tabIndex = 0;
    hit.setAttribute("aria-label", "Figures by day; move with the arrow keys");
    tip.setAttribute("role", "status");
    rule.hidden = tip.hidden = true;
    plot.append(rule, tip, hit);
    let at = days.length - 1;
    const show = (index) => {
      at = Math.max(0, Math.min(days.length - 1, index));
      const place = (days[at] - first) / span;
      const table = make("table");
      series.filter((line) => line.values[at] !== "").forEach((line) => {
        if (isStack && Number(line.values[at]) < 0.005) return;
        const row = table.insertRow();
        const name = make("span", line.className);
        name.append(line.mark.cloneNode(true), make("span", "name", line.name));
        row.insertCell().append(name);
        const value = row.insertCell();
        value.className = "n";
        value.textContent = minus(line.values[at]) + "\u00a0%";
      });
      tip.replaceChildren(make("b", "", new Date(days[at] * 864e5).toISOString().slice(0, 10)), table);
      rule.hidden = tip.hidden = false;
      rule.style.left = place * 100 + "%";
      const x = place * plot.clientWidth, room = plot.clientWidth - tip.offsetWidth;
      tip.style.left = Math.max(0, Math.min(room, place < 0.5 ? x + 12 : x - tip.offsetWidth - 12)) + "px";
    };
    const hide = () => { rule.hidden = tip.hidden = true; };
    const nearest = (event) => {
      const box = plot.getBoundingClientRect();
      const day = first + ((event.clientX - box.left) / box.width) * span;
      let low = 0, high = days.length - 1;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (days[middle] <= day) low = middle; else high = middle;
      }
      // A weight holds until the next day; a curve is read at the nearest one.
      if (isStack) return day >= days[high] ? high : low;
      return day - days[low] <= days[high] - day ? low : high;
    };
    hit.addEventListener("pointermove", (event) => show(nearest(event)));
    hit.addEventListener("pointerdown", (event) => show(nearest(event)));
    hit.addEventListener("pointerleave", hide);
    hit.addEventListener("blur", hide);
    hit.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      show(tip.hidden ? at : at + step);
    });
  };
  document.querySelectorAll("figure.chart").forEach(readOut);

  // Sorting: by figure where every cell of the column is one or unknown, else by text.
  const figureOf = (cell) => {
    const text = cell.textContent.replace(/\u2212/g, "-").replace(/[,%\u00a0\s]/g, "");
    return text === "" ? NaN : Number(text);
  };
  const sort = (table, column, header) => {
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const body = table.tBodies[0];
    const numeric = header.classList.contains("n");
    const rows = [...body.rows].map((row, index) => {
      const cell = row.cells[column];
      return { row, index, key: numeric ? figureOf(cell) : cell.textContent };
    });
    const compare = (a, b) => {
      if (!numeric) return (ascending ? 1 : -1) * a.key.localeCompare(b.key) || a.index - b.index;
      if (isNaN(a.key) || isNaN(b.key)) return isNaN(a.key) - isNaN(b.key) || a.index - b.index;
      return (ascending ? 1 : -1) * (a.key - b.key) || a.index - b.index;
    };
    body.append(...rows.sort(compare).map((entry) => entry.row));
  };
  document.querySelectorAll("table.sortable").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = make("button", "", header.textContent);
      button.type = "button";
      header.replaceChildren(button);
      button.addEventListener("click", () => sort(table, column, header));
    });
  });

  // Filters: rows that contain the text.
  document.querySelectorAll("table.filterable").forEach((table) => {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 8) return;
    const line = make("label", "filter", "Filter");
    const input = make("input");
    const count = make("span");
    input.type = "search";
    count.setAttribute("aria-live", "polite");
    line.append(input, count);
    table.parentElement.before(line);
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      let shown = 0;
      rows.forEach((row) => {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
        if (!row.hidden) shown += 1;
      });
      count.textContent = wanted ? shown + " of " + rows.length : "";
    });
  });
})();
