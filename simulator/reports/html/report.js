"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const FIELDS = ["id", "execution", "task", "value", "iteration", "state", "start", "end", "parent", "mocked", "fact", "type", "attempts", "outputs", "real", "properties"];
  const runs = data.runs.map((row, index) => {
    const run = { index };
    FIELDS.forEach((name, at) => { run[name] = row[at]; });
    run.from = Date.parse(run.start);
    run.to = run.end ? Date.parse(run.end) : run.from;
    run.label = run.task + (run.value === null ? "" : `[${run.value}]`);
    run.text = `${run.label} ${run.type} ${run.state} ${run.fact || ""}`.toLowerCase();
    return run;
  });
  const byId = new Map(runs.map((run) => [run.id, run]));
  const executions = new Map(data.executions.map((item) => [item.id, item]));
  // the task runs of a loop's iteration (2.0) belong under the loop and carry its item
  runs.forEach((run) => {
    const loop = (executions.get(run.execution) || {}).loop;
    if (!loop) return;
    if (run.parent === null) run.parent = loop.task_run_id || loop.taskRunId || null;
    const item = loop.key !== undefined && loop.key !== null ? loop.key : loop.value !== undefined && loop.value !== null ? loop.value : loop.index;
    run.label = `${run.task}[${String(item).slice(0, 40)}]`;
    run.text = `${run.label} ${run.type} ${run.state} ${run.fact || ""}`.toLowerCase();
  });
  const root = data.executions.find((item) => item.flowId === data.flow.id && item.namespace === data.flow.namespace) || data.executions[0];
  const logsOf = new Map();
  data.logs.forEach((entry) => {
    if (!logsOf.has(entry[0])) logsOf.set(entry[0], []);
    logsOf.get(entry[0]).push(entry);
  });
  const state = { tab: "topology", run: null, task: null, query: "", filter: null, level: null };

  // --- small helpers; text only ever becomes text
  const el = (name, attributes, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "class") node.className = value;
      else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  };
  const color = (name) => `var(--${name}, var(--soft))`;
  const stateText = (name) => { const node = el("span", { class: "state" }, name); node.style.color = color(name); return node; };
  const badge = (name) => { const node = el("span", { class: "badge" }, name); node.style.background = color(name); return node; };
  const seconds = (ms) => {
    if (ms === null || Number.isNaN(ms)) return "";
    if (ms < 1000) return `${Math.round(ms)} ms`;
    const s = ms / 1000;
    if (s < 60) return `${s.toFixed(2)} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
    if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
    return `${(s / 86400).toFixed(1)} days`;
  };
  const clock = (text) => (text ? text.replace("T", " ").replace("Z", "") : "");
  const json = (value) => JSON.stringify(value, null, 2);
  const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

  // --- a list that draws only the rows on screen: 100,000 rows scroll as smoothly as ten
  const virtual = (className, rows, draw, label) => {
    const HEIGHT = 28;
    const spacer = el("div", { class: "spacer" });
    const box = el("div", { class: `scroll ${className}`, role: "listbox", "aria-label": label, tabindex: "0" }, spacer);
    spacer.style.height = `${rows.length * HEIGHT}px`;
    box.style.height = `min(72vh, ${Math.max(1, rows.length) * HEIGHT + 2}px)`;
    let first = -1, last = -1;
    const paint = (force) => {
      const a = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - 8);
      const b = Math.min(rows.length, Math.ceil((box.scrollTop + (box.clientHeight || 800)) / HEIGHT) + 8);
      if (!force && a === first && b === last) return;
      first = a; last = b;
      spacer.replaceChildren(...rows.slice(a, b).map((row, offset) => {
        const node = draw(row);
        node.style.top = `${(a + offset) * HEIGHT}px`;
        return node;
      }));
    };
    box.addEventListener("scroll", () => paint(false), { passive: true });
    box.repaint = () => paint(true);
    box.show = (index) => {
      const y = index * HEIGHT;
      if (y < box.scrollTop || y > box.scrollTop + box.clientHeight - HEIGHT) box.scrollTop = y - box.clientHeight / 2;
      paint(true);
    };
    requestAnimationFrame(() => paint(true));
    return box;
  };

  // --- header
  const counts = {};
  runs.forEach((run) => { counts[run.state] = (counts[run.state] || 0) + 1; });
  const mocked = runs.filter((run) => run.mocked).length;
  const header = () => {
    const current = root ? root.state : null;
    const facts = [
      data.flow.namespace, `Kestra ${data.meta.kestra || ""}`, plural(runs.length, "task run"),
      current && current.endDate ? seconds(Date.parse(current.endDate) - Date.parse(current.startDate)) : null,
      data.meta.seed !== undefined ? `seed ${data.meta.seed}` : null, current ? clock(current.startDate) : null,
    ].filter(Boolean);
    return el("header", {},
      current ? badge(current.current) : null, el("h1", {}, data.flow.id),
      el("div", { class: "facts" }, facts.map((fact) => el("span", {}, fact)),
        mocked ? el("span", { class: "mock" }, `${plural(mocked, "task run")} mocked`) : el("span", {}, "nothing mocked")));
  };

  // --- tabs
  const topology = () => {
    const holder = el("div", { class: "topology" });
    holder.append(document.getElementById("drawing").content.cloneNode(true));
    const perTask = new Map();
    runs.forEach((run) => {
      if (root && run.execution !== root.id && executions.get(run.execution) && executions.get(run.execution).kind !== "LOOP") return;
      if (!perTask.has(run.task)) perTask.set(run.task, []);
      perTask.get(run.task).push(run);
    });
    const order = ["FAILED", "KILLED", "CANCELLED", "WARNING", "PAUSED", "RUNNING", "RETRYING", "SUCCESS", "SKIPPED", "CREATED"];
    holder.querySelectorAll("[data-task]").forEach((node) => {
      const id = node.getAttribute("data-task");
      const found = perTask.get(id) || [];
      const worst = order.find((name) => found.some((run) => run.state === name));
      const rect = node.querySelector("rect");
      if (worst) rect.style.stroke = color(worst);
      else node.style.opacity = "0.55";
      if (found.some((run) => run.mocked)) node.classList.add("mocked");
      if (found.length) {
        const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
        text.setAttribute("class", "count");
        text.setAttribute("x", Number(rect.getAttribute("x")) + Number(rect.getAttribute("width")) - 10);
        text.setAttribute("y", Number(rect.getAttribute("y")) + 20);
        text.style.fill = color(worst);
        const bad = found.filter((run) => run.state === "FAILED").length;
        text.textContent = found.length === 1 ? found[0].state : `${found.length.toLocaleString("en")} × ${worst}${bad && bad < found.length ? ` (${bad})` : ""}`;
        node.append(text);
      }
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.setAttribute("aria-label", `${id}: ${worst || "not run"}`);
      const choose = (event) => { event.stopPropagation(); found.length === 1 ? select(found[0].id) : selectTask(id); };
      node.addEventListener("click", choose);
      node.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(event); } });
    });
    return el("div", {}, holder, el("div", { class: "legend" }, el("span", {}, "faded: not run"), el("span", {}, "dashed: mocked"), el("span", {}, "click a task for its runs")));
  };

  const shown = () => runs.filter((run) =>
    (!state.filter || run.state === state.filter) && (!state.task || run.task === state.task) && (!state.query || run.text.includes(state.query)));

  let list = null;
  const tools = (redraw) => {
    const search = el("input", { type: "search", id: "search", placeholder: "search (press /)", "aria-label": "search", value: state.query });
    search.addEventListener("input", () => { state.query = search.value.toLowerCase(); redraw(); });
    return el("div", { class: "tools" }, search,
      Object.keys(counts).map((name) => el("button", { "aria-pressed": String(state.filter === name), onclick: () => { state.filter = state.filter === name ? null : name; render(); } }, `${name} ${counts[name].toLocaleString("en")}`)),
      state.task ? el("button", { onclick: () => { state.task = null; render(); } }, `task ${state.task} ×`) : null);
  };
  const listed = (className, draw, label) => {
    const holder = el("div", {});
    const redraw = () => {
      const rows = shown();
      list = virtual(className, rows, draw, label);
      list.rows = rows;
      holder.replaceChildren(rows.length ? list : el("p", { class: "soft" }, "nothing matches"));
    };
    redraw();
    return el("div", {}, tools(redraw), holder);
  };
  const base = (run, ...cells) => el("div", { class: "row", role: "option", "aria-selected": String(state.run === run.id), onclick: () => select(run.id) }, cells);
  const runRow = (run) => base(run, stateText(run.state), el("span", {}, depth(run), run.label),
    el("span", { class: "soft" }, run.type.replace(/^io\.kestra\.plugin\.(core\.)?/, "")), el("span", { class: "soft right" }, seconds(run.to - run.from)),
    el("span", {}, run.mocked ? el("span", { class: "mock" }, "mock ") : null, run.attempts.length > 1 ? `${run.attempts.length} attempts ` : null, run.fact || ""));
  const depth = (run) => {
    let n = 0;
    for (let at = byId.get(run.parent); at && n < 12; at = byId.get(at.parent)) n += 1;
    return "\u2003".repeat(n);
  };
  const span = () => {
    let from = Infinity, to = -Infinity;
    runs.forEach((run) => { from = Math.min(from, run.from); to = Math.max(to, run.to); });
    return [from, Math.max(to, from + 1)];
  };
  const [T0, T1] = runs.length ? span() : [0, 1];
  const place = (node, from, to) => { node.style.left = `${Math.min(99.8, (100 * (from - T0)) / (T1 - T0))}%`; node.style.width = `${Math.max(0.15, (100 * (to - from)) / (T1 - T0))}%`; return node; };
  const ganttRow = (run) => {
    const main = place(el("i", { class: run.mocked ? "mocked" : "", title: `${run.label} ${run.state} ${seconds(run.to - run.from)}` }), run.from, run.to);
    main.style.backgroundColor = color(run.state);
    const attempts = run.attempts.length > 1 ? run.attempts.map(([name, a, b]) => { const bar = place(el("i", { class: "attempt" }), Date.parse(a), b ? Date.parse(b) : Date.parse(a)); bar.style.backgroundColor = color(name); bar.style.outline = "1px solid var(--card)"; return bar; }) : [];
    return base(run, el("span", {}, depth(run), run.label), el("div", { class: "bar" }, main, attempts));
  };
  const gantt = () => el("div", {}, listed("gantt", ganttRow, "timeline of task runs"),
    el("div", { class: "legend" }, el("span", {}, `${clock(new Date(T0).toISOString())} to ${clock(new Date(T1).toISOString())} (${seconds(T1 - T0)} of the run's clock)`),
      data.jumps.length ? el("span", {}, `${plural(data.jumps.length, "jump")} of simulated time: ${seconds(data.jumps.reduce((sum, [a, b]) => sum + Date.parse(b) - Date.parse(a), 0))}`) : el("span", {}, "all of it real time")));

  const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
  const LEVEL_COLORS = { ERROR: "FAILED", WARN: "WARNING", INFO: "RUNNING", DEBUG: "SKIPPED", TRACE: "SKIPPED" };
  const logRow = (entry) => {
    const level = el("span", { class: "state" }, entry[2]);
    level.style.color = color(LEVEL_COLORS[entry[2]]);
    return el("div", { class: "row", role: "option", title: entry[4], onclick: () => entry[0] && select(entry[0]) }, level, el("span", { class: "soft mono" }, clock(entry[3]).slice(11)), el("span", { class: "soft" }, entry[5] || "flow"), el("span", { class: "mono" }, entry[4]));
  };
  const logs = () => {
    const holder = el("div", {});
    const redraw = () => {
      const least = LEVELS.indexOf(state.level || "TRACE");
      const rows = data.logs.filter((entry) => LEVELS.indexOf(entry[2]) >= least && (!state.query || entry[4].toLowerCase().includes(state.query)));
      holder.replaceChildren(rows.length ? virtual("logs", rows, logRow, "log entries") : el("p", { class: "soft" }, "no log entries"));
    };
    redraw();
    const search = el("input", { type: "search", id: "search", placeholder: "search (press /)", "aria-label": "search logs", value: state.query });
    search.addEventListener("input", () => { state.query = search.value.toLowerCase(); redraw(); });
    return el("div", {}, el("div", { class: "tools" }, search, LEVELS.map((name) => el("button", { "aria-pressed": String(state.level === name), onclick: () => { state.level = state.level === name ? null : name; render(); } }, name))), holder);
  };
  const sourceView = (from, to, mark) => {
    const lines = data.flow.source.split("\n");
    const out = el("pre", { class: "source" });
    for (let n = from; n <= Math.min(to, lines.length); n += 1) {
      const line = el("span", {}, lines[n - 1] + "\n");
      out.append(el("b", {}, String(n).padStart(4) + "  "), mark === n ? el("mark", {}, lines[n - 1] + "\n") : line);
    }
    return out;
  };
  const findings = (items) => items.map((item) => {
    const box = el("div", { class: "finding" }, el("strong", {}, `${item.severity} ${item.code}`), " ", item.message, item.line ? el("div", { class: "soft" }, `${item.file}:${item.line}:${item.column}`) : null, item.hint ? el("div", {}, `hint: ${item.hint}`) : null);
    box.style.borderColor = color({ error: "FAILED", warning: "WARNING", notice: "RUNNING" }[item.severity]);
    return box;
  });
  const pairs = (value) => el("dl", {}, Object.entries(value).flatMap(([key, item]) => [el("dt", {}, key), el("dd", {}, typeof item === "string" ? item : json(item))]));
  const tableOf = (rows) => {
    const keys = [...new Set(rows.flatMap((row) => (row && typeof row === "object" ? Object.keys(row) : ["value"])))];
    return el("table", {}, el("thead", {}, el("tr", {}, keys.map((key) => el("th", {}, key)))), el("tbody", {}, rows.map((row) => el("tr", {}, keys.map((key) => {
      const value = row && typeof row === "object" ? row[key] : row;
      return el("td", { class: "mono" }, value === null || value === undefined ? "" : typeof value === "string" ? value : json(value));
    })))));
  };
  const preview = (item) => el("div", {}, item.rows ? tableOf(item.rows) : el("pre", {}, item.text === undefined ? json(item) : item.text), item.note ? el("div", { class: "soft" }, item.note) : null);
  const world = () => {
    const parts = [];
    if (data.doubles.length) parts.push(el("h2", {}, "Doubles"), pairs(Object.fromEntries(data.doubles.map((item) => [item.name, item.address]))));
    for (const [title, items] of Object.entries(data.previews || {})) {
      const entries = Object.entries(items);
      if (!entries.length) continue;
      parts.push(el("h2", {}, title));
      entries.forEach(([name, item]) => parts.push(el("h3", {}, name), preview(item)));
    }
    return el("div", {}, parts.length ? parts : el("p", { class: "soft" }, "no double was used and no file was stored"));
  };
  const about = () => el("div", {},
    el("h2", {}, "Execution"), root ? pairs({ id: root.id, state: root.state.current, started: root.state.startDate, ended: root.state.endDate || "", ...Object.fromEntries((root.labels || []).map((label) => [`label ${label.key}`, label.value])) }) : null,
    root && Object.keys(root.inputs || {}).length ? [el("h3", {}, "Inputs"), el("pre", {}, json(root.inputs))] : null,
    root && root.outputs ? [el("h3", {}, "Outputs"), el("pre", {}, json(root.outputs))] : null,
    root && root.trigger ? [el("h3", {}, "Trigger"), el("pre", {}, json(root.trigger))] : null,
    data.executions.length > 1 ? [el("h3", {}, "Executions"), tableOf(data.executions.slice(0, 500).map((item) => ({ flow: `${item.namespace}.${item.flowId}`, state: item.state.current, kind: item.kind || "", id: item.id, parent: item.parentId || "" })))] : null,
    el("h3", {}, "Again"), el("pre", {}, data.meta.command || "simulate run"), el("p", { class: "soft" }, `kestra-simulator ${data.meta.version}, Kestra ${data.meta.kestra || ""}`),
    el("h3", {}, "Source"), sourceView(1, 100000));
  const TABS = {
    topology: ["Topology", topology], runs: ["Task runs", () => listed("runs", runRow, "task runs")], timeline: ["Timeline", gantt], logs: ["Logs", logs],
    world: ["Doubles and files", world], findings: ["Findings", () => el("div", {}, data.diagnostics.length ? findings(data.diagnostics) : el("p", { class: "soft" }, "nothing to say"))], about: ["Execution", about],
  };

  // --- one task run
  const detail = () => {
    const run = byId.get(state.run);
    if (!run) return null;
    const task = data.flow.tasks[run.task];
    const own = logsOf.get(run.id) || [];
    const errors = own.filter((entry) => entry[2] === "ERROR");
    const execution = executions.get(run.execution);
    const metrics = data.metrics.filter((metric) => metric.run === run.id);
    const related = data.diagnostics.filter((item) => task && item.line >= task.line && item.line <= task.endLine);
    return el("aside", { class: "card side", "aria-label": `task run ${run.label}` },
      el("button", { class: "close", onclick: () => select(null), "aria-label": "close" }, "×"),
      el("h2", {}, badge(run.state), " ", run.label), el("div", { class: "soft" }, run.type),
      run.mocked ? el("p", { class: "mock" }, "mocked: the task itself did not run") : null,
      errors.length ? [el("h3", {}, "Error"), el("pre", {}, errors.map((entry) => entry[4]).join("\n"))] : null,
      related.length ? findings(related) : null,
      el("h3", {}, "Facts"), pairs({
        id: run.id, started: run.start, ended: run.end || "", duration: seconds(run.to - run.from), ...(run.real === null ? {} : { "real time": seconds(run.real * 1000) }),
        ...(run.iteration === null ? {} : { iteration: run.iteration }), ...(run.fact ? { result: run.fact } : {}), ...(execution && root && execution.id !== root.id ? { execution: `${execution.namespace}.${execution.flowId} ${execution.id}` } : {}),
      }),
      run.attempts.length > 1 ? [el("h3", {}, "Attempts"), tableOf(run.attempts.map(([name, a, b], n) => ({ "#": n + 1, state: name, started: clock(a), duration: b ? seconds(Date.parse(b) - Date.parse(a)) : "" })))] : null,
      run.properties ? [el("h3", {}, "Properties, rendered"), pairs(run.properties)] : null,
      run.outputs ? [el("h3", {}, "Outputs"), el("pre", {}, json(run.outputs))] : null,
      metrics.length ? [el("h3", {}, "Metrics"), tableOf(metrics.map(({ name, value, tags }) => ({ name, value, tags: Object.keys(tags).length ? tags : "" })))] : null,
      own.length ? [el("h3", {}, `Logs (${own.length})`), el("pre", {}, own.slice(0, 500).map((entry) => `${entry[2].padEnd(5)} ${entry[4]}`).join("\n"))] : null,
      task ? [el("h3", {}, `Source, ${data.meta.file || "flow"}:${task.line}`), sourceView(task.line, task.endLine)] : null);
  };

  // --- navigation: every view has an address (#tab=runs&run=...)
  const save = () => {
    const parts = [`tab=${state.tab}`];
    if (state.run) parts.push(`run=${encodeURIComponent(state.run)}`);
    if (state.task) parts.push(`task=${encodeURIComponent(state.task)}`);
    history.replaceState(null, "", `#${parts.join("&")}`);
  };
  const load = () => {
    const found = new URLSearchParams(location.hash.slice(1));
    if (TABS[found.get("tab")]) state.tab = found.get("tab");
    state.run = byId.has(found.get("run")) ? found.get("run") : null;
    state.task = found.get("task");
  };
  let panel = null;
  const select = (id) => {
    state.run = id;
    save();
    const main = document.querySelector("main");
    main.classList.toggle("open", Boolean(id));
    const next = detail();
    if (panel) panel.remove();
    panel = next;
    if (next) main.append(next);
    if (list && list.isConnected) list.repaint();
    document.querySelectorAll(".fd .chosen").forEach((node) => node.classList.remove("chosen"));
    if (id) document.querySelectorAll(`.fd [data-task="${CSS.escape(byId.get(id).task)}"]`).forEach((node) => node.classList.add("chosen"));
  };
  const selectTask = (id) => { state.task = id; state.tab = "runs"; render(); };
  const render = () => {
    list = null;
    panel = detail();
    const tabs = el("nav", { role: "tablist", "aria-label": "views" }, Object.entries(TABS).map(([key, [title]]) =>
      el("button", { role: "tab", "aria-selected": String(state.tab === key), onclick: () => { state.tab = key; render(); } },
        key === "findings" && data.diagnostics.length ? `${title} (${data.diagnostics.length})` : title)));
    document.getElementById("app").replaceChildren(header(), tabs,
      el("main", { class: state.run ? "open" : "" }, el("section", { class: "card", "aria-label": TABS[state.tab][0] }, TABS[state.tab][1]()), panel));
    save();
  };
  document.addEventListener("keydown", (event) => {
    if (event.target.tagName === "INPUT") { if (event.key === "Escape") event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = Object.keys(TABS);
    if (event.key === "/") { const box = document.getElementById("search"); if (box) { event.preventDefault(); box.focus(); } }
    else if (event.key === "Escape") select(null);
    else if ("1234567".includes(event.key)) { state.tab = keys[Number(event.key) - 1]; render(); }
    else if (list && ["j", "k", "ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      const at = list.rows.findIndex((run) => run.id === state.run);
      const next = list.rows[Math.min(list.rows.length - 1, Math.max(0, at + (event.key === "j" || event.key === "ArrowDown" ? 1 : -1)))];
      if (next) { select(next.id); list.show(list.rows.indexOf(next)); }
    }
  });
  window.addEventListener("hashchange", () => { load(); render(); });
  load();
  if (!location.hash) { const failed = runs.find((run) => run.state === "FAILED" && !runs.some((other) => other.parent === run.id)); if (failed) state.run = failed.id; }
  render();
  document.documentElement.dataset.ready = "true";
})();
