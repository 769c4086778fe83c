"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const FIELDS = data.fields;
  const label = (item) => (item.key !== undefined && item.key !== null ? item.key : item.value !== undefined && item.value !== null ? item.value : item.index);
  const short = (value) => { const text = typeof value === "string" ? value : JSON.stringify(value); return text.length > 40 ? `${text.slice(0, 40)}…` : text; };
  const runs = data.runs.map((row, index) => {
    const run = { index };
    FIELDS.forEach((name, at) => { run[name] = row[at]; });
    run.from = Date.parse(run.start);
    run.to = run.end ? Date.parse(run.end) : run.from;
    run.label = run.task + (run.value === null ? "" : `[${run.value}]`);
    run.attempts = run.attempts || [];
    return run;
  });
  const byId = new Map(runs.map((run) => [run.id, run]));
  const executions = new Map(data.executions.map((item) => [item.id, item]));
  const flowOf = (item) => data.flows[`${item.namespace}.${item.flowId}`];
  const root = data.executions.find((item) => `${item.namespace}.${item.flowId}` === data.flow) || data.executions[0];

  // --- who started whom: a view per execution; the rounds of a Loop (2.0) show in the view around them, and have their own
  const trigger = (item) => (item.trigger && item.trigger.variables) || {};
  const startedBy = new Map(); // task run -> executions
  const rounds = new Map(); // execution -> its LOOP executions
  const followers = new Map(); // execution -> what flow triggers started after it
  const push = (map, key, item) => { if (map.has(key)) map.get(key).push(item); else map.set(key, [item]); };
  data.executions.forEach((item) => {
    if (item.kind === "LOOP") {
      push(rounds, item.parentId, item);
      push(startedBy, item.loop.taskRunId || item.loop.task_run_id, item);
    } else if (byId.has(trigger(item).taskRunId)) push(startedBy, trigger(item).taskRunId, item);
    else if (item !== root && executions.has(trigger(item).executionId)) push(followers, trigger(item).executionId, item);
  });
  const above = (item) => executions.get(item.parentId) || (item === root ? undefined : executions.get(trigger(item).executionId));
  const ownRuns = new Map();
  runs.forEach((run) => {
    push(ownRuns, run.execution, run);
    const child = run.outputs && executions.get(run.outputs.executionId);
    if (child && child.kind !== "LOOP" && !startedBy.has(run.id)) push(startedBy, run.id, child);
    const loop = (executions.get(run.execution) || {}).loop;
    if (!loop) return;
    // the task runs of a round belong under the loop and carry its item
    if (run.parent === null) run.parent = loop.taskRunId || loop.task_run_id || null;
    run.label = `${run.task}[${short(label(loop))}]`;
  });
  runs.forEach((run) => { run.text = `${run.label} ${run.type} ${run.state} ${run.fact || ""}`.toLowerCase(); });
  const title = (item) => (item.kind === "LOOP" ? `${item.loop.taskId || "round"}[${short(label(item.loop))}]` : item.flowId);
  const spent = (item) => (item.state.endDate ? Date.parse(item.state.endDate) - Date.parse(item.state.startDate) : null);
  const logsOf = new Map(), logsIn = new Map(), metricsOf = new Map();
  data.logs.forEach((entry) => { push(logsOf, entry[0], entry); push(logsIn, entry[1], entry); });
  data.metrics.forEach((metric) => push(metricsOf, metric.run, metric));

  /** What the view of an execution shows; made when it is first opened. */
  const scopes = new Map();
  const scopeOf = (execution) => {
    if (scopes.has(execution.id)) return scopes.get(execution.id);
    const scope = { execution, flow: flowOf(execution), runs: [], logs: [], ids: new Map(), kids: new Map(), tops: [], counts: {}, folded: new Map() };
    const open = [execution];
    while (open.length) {
      const item = open.pop();
      for (const run of ownRuns.get(item.id) || []) { scope.runs.push(run); scope.ids.set(run.id, run); }
      for (const entry of logsIn.get(item.id) || []) scope.logs.push(entry);
      for (const round of rounds.get(item.id) || []) open.push(round);
    }
    scope.runs.sort((a, b) => a.index - b.index);
    if (rounds.has(execution.id)) scope.logs.sort((a, b) => (a[3] < b[3] ? -1 : a[3] > b[3] ? 1 : 0));
    let from = Infinity, to = -Infinity;
    for (const run of scope.runs) {
      from = Math.min(from, run.from); to = Math.max(to, run.to);
      scope.counts[run.state] = (scope.counts[run.state] || 0) + 1;
      if (scope.ids.has(run.parent)) push(scope.kids, run.parent, run); else scope.tops.push(run);
    }
    scope.from = scope.runs.length ? from : 0;
    scope.to = Math.max(scope.runs.length ? to : 1, scope.from + 1);
    scope.mocked = scope.runs.filter((run) => run.mocked).length;
    scopes.set(execution.id, scope);
    return scope;
  };
  const empty = { id: "", namespace: "", flowId: data.flows[data.flow].id, state: { current: "CREATED", startDate: null }, labels: [] };
  let here = scopeOf(root || { ...empty, namespace: data.flows[data.flow].namespace });
  const state = { tab: "topology", run: null, task: null, query: "", filter: null, level: null };
  const FOLD = 30;

  // --- small helpers; text only ever becomes text
  const el = (name, attributes, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "class") node.className = value;
      else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value === true ? "" : seen(value));
    }
    node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false).map((child) => (typeof child === "string" ? seen(child) : child)));
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
    if (s < 3600) { const whole = Math.round(s); return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`; }
    if (s < 172800) return `${Math.floor(s / 3600)} h${Math.floor((s % 3600) / 60) ? ` ${Math.floor((s % 3600) / 60)} min` : ""}`;
    return `${(s / 86400).toFixed(1)} days`;
  };
  const clock = (text) => (text ? text.replace("T", " ").replace("Z", "") : "");
  // control characters are shown, not obeyed; so are the ones that turn the direction of text
  const seen = (text) => String(text).replace(/[\u0000-\u0008\u000b-\u001f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)))
    .replace(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const json = (value) => JSON.stringify(value, null, 2);
  const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

  // --- a list that draws only the rows on screen: 100,000 rows scroll as smoothly as ten
  const virtual = (className, rows, draw, name, role = "listbox") => {
    const HEIGHT = 28;
    const spacer = el("div", { class: "spacer", role: "presentation" });
    const box = el("div", { class: `scroll ${className}`, role, "aria-label": `${name}, ${rows.length.toLocaleString("en")}`, tabindex: "0" }, spacer);
    spacer.style.height = `${rows.length * HEIGHT}px`;
    box.style.height = `min(72vh, ${Math.max(1, rows.length) * HEIGHT + 2}px)`;
    let first = -1, last = -1;
    const drawn = new Map();
    const range = (a, b, force) => {
      if (!force && a === first && b === last) return;
      if (force) { drawn.clear(); spacer.replaceChildren(); }
      first = a; last = b;
      for (const [at, node] of drawn) if (at < a || at >= b) { node.remove(); drawn.delete(at); }
      for (let at = a; at < b; at += 1) {
        if (drawn.has(at)) continue;
        const node = draw(rows[at], at);
        node.style.top = `${at * HEIGHT}px`;
        node.setAttribute("aria-posinset", at + 1);
        node.setAttribute("aria-setsize", rows.length);
        drawn.set(at, node);
        spacer.append(node);
      }
    };
    const paint = (force) => range(Math.max(0, Math.floor(box.scrollTop / HEIGHT) - 12), Math.min(rows.length, Math.ceil((box.scrollTop + (box.clientHeight || 800)) / HEIGHT) + 12), force);
    box.addEventListener("scroll", () => paint(false), { passive: true });
    box.rows = rows;
    box.repaint = () => paint(true);
    box.all = () => range(0, Math.min(rows.length, 1000), true); // for print
    box.show = (index) => {
      const y = index * HEIGHT;
      if (y < box.scrollTop || y > box.scrollTop + box.clientHeight - HEIGHT) box.scrollTop = y - box.clientHeight / 2;
      paint(true);
    };
    requestAnimationFrame(() => paint(true));
    return box;
  };

  // --- header
  const line = () => {
    const items = [];
    for (let item = here.execution; item && items.length < 50; item = above(item)) items.unshift(item);
    return items;
  };
  const address = (item, rest = "") => (item === root ? `#${rest || `tab=${state.tab}`}` : `#exec/${encodeURIComponent(item.id)}${rest ? `?${rest}` : ""}`);
  const crumbs = () => {
    const items = line();
    if (items.length < 2) return null;
    return el("nav", { class: "crumbs", "aria-label": "where this execution was started" }, el("ol", {}, items.map((item, at) => {
      const by = at && item.kind !== "LOOP" ? byId.get(trigger(item).taskRunId) : null;
      return el("li", {}, by ? el("span", { class: "soft" }, `${by.label} → `) : null,
        at === items.length - 1 ? el("span", { "aria-current": "page" }, title(item)) : el("a", { href: address(item), onclick: (event) => { event.preventDefault(); enter(item); } }, title(item)));
    })), el("span", { class: "soft keys" }, "u: up"));
  };
  const header = () => {
    const item = here.execution, current = item.state;
    const facts = [
      item.namespace, `Kestra ${data.meta.kestra || ""}`, plural(here.runs.length, "task run"),
      spent(item) === null ? null : seconds(spent(item)),
      data.meta.seed !== undefined ? `seed ${data.meta.seed}` : null, clock(current.startDate),
    ].filter(Boolean);
    return el("header", {}, crumbs(), el("div", { class: "head" },
      badge(current.current), el("h1", { tabindex: "-1" }, title(item)),
      el("div", { class: "facts" }, facts.map((fact) => el("span", {}, fact)),
        here.mocked ? el("span", { class: "mock" }, `${plural(here.mocked, "task run")} mocked`) : el("span", {}, "nothing mocked"))));
  };

  // --- tabs
  const topology = () => {
    const holder = el("div", { class: "topology" });
    const drawing = document.querySelector(`template[data-flow="${CSS.escape(`${here.execution.namespace}.${here.execution.flowId}`)}"]`);
    if (drawing) holder.append(drawing.content.cloneNode(true));
    const perTask = new Map();
    here.runs.forEach((run) => push(perTask, run.task, run));
    const svg = holder.querySelector("svg");
    if (svg) { svg.setAttribute("role", "group"); const name = svg.querySelector("title"); if (name) name.remove(); }
    if (svg) { // a wide drawing shrinks a little before it scrolls
      svg.style.minWidth = `${Math.round(svg.getAttribute("width") * 0.62)}px`;
      svg.style.height = "auto";
    }
    const loop = here.execution.kind === "LOOP" && holder.querySelector(`[data-task="${CSS.escape(here.execution.loop.taskId || "")}"] > rect`);
    if (loop) { // a round: only the loop's own box
      const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(loop.getAttribute(name)));
      svg.setAttribute("viewBox", `${x - 12} ${y - 12} ${w + 24} ${h + 24}`);
      svg.setAttribute("width", w + 24); svg.setAttribute("height", h + 24);
      svg.style.minWidth = "";
    }
    const order = ["FAILED", "KILLED", "CANCELLED", "WARNING", "PAUSED", "RUNNING", "RETRYING", "SUCCESS", "SKIPPED", "CREATED"];
    holder.querySelectorAll("[data-task]").forEach((node) => {
      const id = node.getAttribute("data-task");
      const found = perTask.get(id) || [];
      const worst = order.find((name) => found.some((run) => run.state === name));
      const rect = node.querySelector("rect");
      const children = found.flatMap((run) => startedBy.get(run.id) || []);
      if (worst) { rect.style.stroke = color(worst); node.classList.add("ran"); }
      else if (!loop || id !== here.execution.loop.taskId) node.classList.add("idle");
      if (found.some((run) => run.mocked)) node.classList.add("mocked");
      if (found.length) {
        const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
        text.setAttribute("class", "count");
        text.setAttribute("x", Number(rect.getAttribute("x")) + Number(rect.getAttribute("width")) - 10);
        text.setAttribute("y", Number(rect.getAttribute("y")) + 20);
        text.style.fill = color(worst);
        const bad = found.filter((run) => run.state === "FAILED").length;
        text.textContent = found.length === 1 ? found[0].state : bad && bad < found.length ? `${bad.toLocaleString("en")} of ${found.length.toLocaleString("en")} FAILED` : `${found.length.toLocaleString("en")} × ${worst}`;
        node.append(text);
      }
      if (children.length) {
        const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
        text.setAttribute("class", "count into");
        text.setAttribute("x", Number(rect.getAttribute("x")) + Number(rect.getAttribute("width")) - 10);
        text.setAttribute("y", Number(rect.getAttribute("y")) + 36);
        text.textContent = children.length === 1 ? `↳ ${short(title(children[0]))}` : `↳ ${children.length.toLocaleString("en")}`;
        node.append(text);
      }
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.setAttribute("aria-label", `${id}: ${worst || "not run"}${found.length > 1 ? `, ${plural(found.length, "task run")}` : ""}${children.length === 1 ? `, step into ${title(children[0])}` : children.length ? `, ${plural(children.length, "execution")} to step into` : ""}`);
      const choose = (event) => { event.stopPropagation(); if (children.length === 1 && children[0].kind !== "LOOP") enter(children[0]);
        else if (found.length === 1) select(found[0].id);
        else if (found.length) selectTask(id);
      };
      node.addEventListener("click", choose);
      node.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(event); } });
    });
    const after = followers.get(here.execution.id) || [];
    return el("div", {}, here.runs.length ? null : el("p", { class: "soft" }, "No task of this execution ran."), holder,
      after.length ? [el("h3", {}, "Started by flow triggers afterwards"), childList(after)] : null,
      el("div", { class: "legend" }, el("span", {}, "faded: not run"), el("span", {}, "dashed: mocked"), el("span", {}, "↳: steps into another execution"), el("span", {}, "click a task for its runs")));
  };

  // executions as a list: one row each, drawn when it is on screen
  const childRow = (item) => el("div", { class: "row", role: "option", "aria-selected": "false", tabindex: "-1", title: item.id, onclick: () => enter(item) },
    stateText(item.state.current), el("span", {}, title(item)), el("span", { class: "soft right" }, seconds(spent(item))), el("span", { class: "go", "aria-hidden": "true" }, "↳"));
  const childList = (items) => {
    const tally = {};
    items.forEach((item) => { tally[item.state.current] = (tally[item.state.current] || 0) + 1; });
    const order = [...items.filter((item) => item.state.current === "FAILED"), ...items.filter((item) => item.state.current !== "FAILED")];
    const box = virtual("children", order, childRow, "executions to step into");
    box.style.height = `min(40vh, ${items.length * 28 + 2}px)`;
    let at = -1;
    box.addEventListener("keydown", (event) => {
      if (["ArrowDown", "ArrowUp", "j", "k"].includes(event.key)) {
        event.preventDefault(); event.stopPropagation();
        at = Math.min(order.length - 1, Math.max(0, at + (event.key === "ArrowDown" || event.key === "j" ? 1 : -1)));
        box.show(at);
        box.querySelectorAll(".row").forEach((row) => row.setAttribute("aria-selected", String(Number(row.getAttribute("aria-posinset")) === at + 1)));
      } else if (event.key === "Enter" && order[Math.max(0, at)]) { event.stopPropagation(); enter(order[Math.max(0, at)]); }
    });
    return el("div", {}, items.length > 1 ? el("p", { class: "tally" }, Object.entries(tally).map(([name, n]) => el("span", {}, stateText(name), ` ${n.toLocaleString("en")}`))) : null, box);
  };

  const matching = (run) => (!state.filter || run.state === state.filter) && (!state.task || run.task === state.task) && (!state.query || run.text.includes(state.query));
  const isFolded = (run) => { if (!here.folded.has(run.id)) here.folded.set(run.id, (here.kids.get(run.id) || []).length > FOLD); return here.folded.get(run.id); };
  /** Rows in the order of the tree, without what is folded away; flat when something is looked for. */
  const shown = () => {
    if (state.filter || state.task || state.query) return here.runs.filter(matching);
    const rows = [], open = here.tops.slice().reverse().map((run) => [run, 0]);
    while (open.length) {
      const [run, depth] = open.pop();
      run.depth = depth;
      rows.push(run);
      const kids = here.kids.get(run.id);
      if (kids && !isFolded(run)) for (let at = kids.length - 1; at >= 0; at -= 1) open.push([kids[at], depth + 1]);
    }
    return rows;
  };
  const reveal = (id) => { for (let run = here.ids.get(id); run; run = here.ids.get(run.parent)) if (run.id !== id) here.folded.set(run.id, false); };
  const fold = (run, folded) => { here.folded.set(run.id, folded); state.run = run.id; render(); const at = list ? list.rows.indexOf(run) : -1; if (at >= 0) list.show(at); if (list) list.focus(); };

  let list = null;
  const tools = (redraw) => {
    const search = el("input", { type: "search", id: "search", placeholder: "search (press /)", "aria-label": "search", value: state.query });
    search.addEventListener("input", () => { state.query = search.value.toLowerCase(); redraw(); });
    return el("div", { class: "tools" }, search,
      Object.keys(here.counts).map((name) => el("button", { "aria-pressed": String(state.filter === name), onclick: () => { state.filter = state.filter === name ? null : name; render(); } }, `${name} ${here.counts[name].toLocaleString("en")}`)),
      state.task ? el("button", { onclick: () => { state.task = null; render(); } }, `task ${state.task} ×`) : null);
  };
  const listed = (className, draw, label, above = null) => {
    const holder = el("div", {});
    const redraw = () => {
      const rows = shown();
      list = virtual(className, rows, draw, label, "tree");
      mark();
      holder.replaceChildren(rows.length ? list : el("p", { class: "soft" }, here.runs.length ? "No task run matches." : "No task ran."));
    };
    redraw();
    return el("div", {}, tools(redraw), above, holder);
  };
  const base = (run, ...cells) => {
    const kids = here.kids.get(run.id), flat = state.filter || state.task || state.query;
    return el("div", { class: "row", id: `run-${run.index}`, role: "treeitem", "aria-level": flat ? 1 : (run.depth || 0) + 1, "aria-expanded": kids && !flat ? String(!isFolded(run)) : null,
      "aria-selected": String(state.run === run.id), onclick: () => select(run.id), ondblclick: () => stepInto(run) }, cells);
  };
  const nameCell = (run) => {
    const kids = here.kids.get(run.id), flat = state.filter || state.task || state.query, inside = startedBy.get(run.id);
    const cell = el("span", { class: "name" },
      kids && !flat ? el("button", { class: "fold", tabindex: "-1", "aria-label": isFolded(run) ? `unfold ${run.label}` : `fold ${run.label}`, onclick: (event) => { event.stopPropagation(); fold(run, !isFolded(run)); } }, isFolded(run) ? "▸" : "▾") : el("span", { class: "fold" }),
      el("span", { class: "label" }, run.label), kids && !flat && isFolded(run) ? el("span", { class: "soft" }, ` ${folding(kids)}`) : null,
      inside ? el("button", { class: "into", tabindex: "-1", "aria-label": `step into ${inside.length === 1 ? title(inside[0]) : plural(inside.length, "execution")}`, onclick: (event) => { event.stopPropagation(); stepInto(run); } }, inside.length === 1 ? "↳" : `↳ ${inside.length.toLocaleString("en")}`) : null);
    cell.style.paddingLeft = `${flat ? 0 : (run.depth || 0) * 16}px`;
    return cell;
  };
  const folding = (kids) => {
    const bad = kids.filter((run) => run.state === "FAILED").length;
    return `${plural(kids.length, "run")}${bad ? `, ${bad.toLocaleString("en")} FAILED` : ""}`;
  };
  const stepInto = (run) => {
    const inside = startedBy.get(run.id) || [];
    if (inside.length === 1) enter(inside[0]);
    else if (inside.length) { select(run.id); const box = document.querySelector(".side .children"); if (box) box.focus(); }
  };
  const runRow = (run) => base(run, stateText(run.state), nameCell(run),
    el("span", { class: "soft" }, run.type.replace(/^io\.kestra\.plugin\.(core\.)?/, "")), el("span", { class: "soft right" }, run.end ? seconds(run.to - run.from) : "…"),
    el("span", { class: "soft" }, run.mocked ? el("span", { class: "mock" }, "mock ") : null, run.attempts.length > 1 ? `${run.attempts.length} attempts ` : null, run.fact || ""));
  const place = (node, from, to) => { node.style.left = `${Math.min(99.8, (100 * (from - here.from)) / (here.to - here.from))}%`; node.style.width = `${Math.max(0.15, (100 * (to - from)) / (here.to - here.from))}%`; return node; };
  const ganttRow = (run) => {
    const main = place(el("i", { class: run.mocked ? "mocked" : "", title: `${run.label} ${run.state} ${seconds(run.to - run.from)}` }), run.from, run.to);
    main.style.backgroundColor = color(run.state);
    const attempts = run.attempts.length > 1 ? run.attempts.map(([name, a, b]) => { const bar = place(el("i", { class: "attempt" }), Date.parse(a), b ? Date.parse(b) : Date.parse(a)); bar.style.backgroundColor = color(name); bar.style.outline = "1px solid var(--card)"; return bar; }) : [];
    return base(run, nameCell(run), el("div", { class: "bar" }, main, attempts));
  };
  const jumpsHere = () => data.jumps.map(([a, b]) => [Math.max(here.from, Date.parse(a)), Math.min(here.to, Date.parse(b))]).filter(([a, b]) => b > a);
  const axis = (jumps) => {
    const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => { const node = el("span", {}, part ? `+${seconds((here.to - here.from) * part)}` : clock(new Date(here.from).toISOString()).slice(11, 19)); node.style.left = `${part * 100}%`; return node; });
    const gone = jumps.slice(0, 300).map(([a, b]) => place(el("i", { title: `simulated: ${seconds(b - a)} went by at once` }), a, b));
    return el("div", { class: "axis", "aria-hidden": "true" }, el("span", {}), el("div", { class: "scale" }, gone, marks));
  };
  const gantt = () => {
    const jumps = jumpsHere();
    return el("div", {}, listed("gantt", ganttRow, "timeline of task runs", here.runs.length ? axis(jumps) : null),
      el("div", { class: "legend" }, el("span", {}, `${clock(new Date(here.from).toISOString())} to ${clock(new Date(here.to).toISOString())} (${seconds(here.to - here.from)} of the run's clock)`),
        jumps.length ? el("span", { class: "simulated" }, `${plural(jumps.length, "jump")} of simulated time: ${seconds(jumps.reduce((sum, [a, b]) => sum + b - a, 0))}`) : el("span", {}, "all of it real time")));
  };

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
      const rows = here.logs.filter((entry) => LEVELS.indexOf(entry[2]) >= least && (!state.query || entry[4].toLowerCase().includes(state.query)));
      holder.replaceChildren(rows.length ? virtual("logs", rows, logRow, "log entries") : el("p", { class: "soft" }, here.logs.length ? "No log entry matches." : "Nothing was logged."));
    };
    redraw();
    const search = el("input", { type: "search", id: "search", placeholder: "search (press /)", "aria-label": "search logs", value: state.query });
    search.addEventListener("input", () => { state.query = search.value.toLowerCase(); redraw(); });
    return el("div", {}, el("div", { class: "tools" }, search, LEVELS.map((name) => el("button", { "aria-pressed": String(state.level === name), onclick: () => { state.level = state.level === name ? null : name; render(); } }, name))), holder);
  };
  const sourceView = (from, to, mark) => {
    if (here.flow.source === null) return el("p", { class: "soft" }, "the flow's source is not in this report");
    const lines = here.flow.source.split("\n");
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
    return el("div", {}, parts.length ? parts : el("p", { class: "soft" }, "No double was used and no file was stored."));
  };
  const about = () => {
    const item = here.execution, inside = [...here.runs.flatMap((run) => startedBy.get(run.id) || []), ...(followers.get(item.id) || [])];
    return el("div", {},
      el("h2", {}, "Execution"), pairs({ id: item.id, flow: `${item.namespace}.${item.flowId}`, state: item.state.current, started: item.state.startDate || "", ended: item.state.endDate || "", ...Object.fromEntries((item.labels || []).map((entry) => [`label ${entry.key}`, entry.value])) }),
      item.loop ? [el("h3", {}, "Round"), pairs(item.loop)] : null,
      Object.keys(item.inputs || {}).length ? [el("h3", {}, "Inputs"), el("pre", {}, json(item.inputs))] : null,
      item.outputs ? [el("h3", {}, "Outputs"), el("pre", {}, json(item.outputs))] : null,
      item.trigger ? [el("h3", {}, "Trigger"), el("pre", {}, json(item.trigger))] : null,
      inside.length ? [el("h3", {}, `Executions that it started (${inside.length.toLocaleString("en")})`), childList(inside)] : null,
      el("h3", {}, "Again"), el("pre", {}, data.meta.command || "simulate run"), el("p", { class: "soft" }, `kestra-simulator ${data.meta.version}, Kestra ${data.meta.kestra || ""}`),
      el("h3", {}, "Source"), sourceView(1, 100000));
  };
  const TABS = {
    topology: ["Topology", topology], runs: ["Task runs", () => listed("runs", runRow, "task runs")], timeline: ["Timeline", gantt], logs: ["Logs", logs],
    world: ["Doubles and files", world], findings: ["Findings", () => el("div", {}, data.diagnostics.length ? findings(data.diagnostics) : el("p", { class: "soft" }, "No findings: the check has nothing to say about this flow."))], about: ["Execution", about],
  };

  // --- one task run
  const detail = () => {
    const run = byId.get(state.run);
    if (!run) return null;
    const task = here.flow.tasks[run.task];
    const inside = startedBy.get(run.id) || [];
    const own = logsOf.get(run.id) || [];
    const errors = own.filter((entry) => entry[2] === "ERROR");
    const execution = executions.get(run.execution);
    const metrics = metricsOf.get(run.id) || [];
    const related = data.diagnostics.filter((item) => task && (!item.file || item.file === here.flow.file) && item.line >= task.line && item.line <= task.endLine);
    return el("aside", { class: "card side", "aria-label": `task run ${run.label}` },
      el("button", { class: "close", onclick: () => select(null), "aria-label": "close" }, "×"),
      el("h2", {}, badge(run.state), " ", run.label), el("div", { class: "soft" }, run.type),
      run.mocked ? el("p", { class: "mock" }, "mocked: the task itself did not run") : null,
      inside.length === 1 ? el("p", {}, el("a", { class: "enter", href: address(inside[0], "tab=topology"), onclick: (event) => { event.preventDefault(); enter(inside[0]); } }, `↳ step into ${title(inside[0])} `, stateText(inside[0].state.current))) : null,
      inside.length > 1 ? [el("h3", {}, `Executions (${inside.length.toLocaleString("en")})`), childList(inside)] : null,
      errors.length ? [el("h3", {}, run.state === "SUCCESS" ? "Errors of earlier attempts" : "Error"), el("pre", {}, errors.map((entry) => entry[4]).join("\n"))] : null,
      related.length ? findings(related) : null,
      el("h3", {}, "Facts"), pairs({
        id: run.id, started: run.start, ended: run.end || "", duration: seconds(run.to - run.from), ...(run.real === null ? {} : { "real time": seconds(run.real * 1000) }),
        ...(run.iteration === null ? {} : { iteration: run.iteration }), ...(run.fact ? { result: run.fact } : {}), ...(execution && execution !== here.execution ? { execution: `${execution.namespace}.${execution.flowId} ${execution.id}` } : {}),
      }),
      run.attempts.length > 1 ? [el("h3", {}, "Attempts"), tableOf(run.attempts.map(([name, a, b], n) => ({ "#": n + 1, state: name, started: clock(a), duration: b ? seconds(Date.parse(b) - Date.parse(a)) : "" })))] : null,
      run.properties ? [el("h3", {}, "Properties, rendered"), pairs(run.properties)] : null,
      run.outputs ? [el("h3", {}, "Outputs"), el("pre", {}, json(run.outputs))] : null,
      metrics.length ? [el("h3", {}, "Metrics"), tableOf(metrics.map(({ name, value, tags }) => ({ name, value, tags: Object.keys(tags).length ? tags : "" })))] : null,
      own.length ? [el("h3", {}, `Logs (${own.length})`), el("pre", {}, own.slice(0, 500).map((entry) => `${entry[2].padEnd(5)} ${entry[4]}`).join("\n"))] : null,
      task ? [el("h3", {}, `Source, ${here.flow.file || "flow"}:${task.line}`), sourceView(task.line, task.endLine)] : null);
  };

  // --- navigation: every view has an address (#tab=runs&run=..., #exec/ID?tab=...)
  const save = (step) => {
    const parts = [`tab=${state.tab}`];
    if (state.run) parts.push(`run=${encodeURIComponent(state.run)}`);
    if (state.task) parts.push(`task=${encodeURIComponent(state.task)}`);
    history[step === true ? "pushState" : "replaceState"](null, "", address(here.execution, parts.join("&")));
    document.title = line().map(title).join(" › ");
  };
  const load = () => {
    const [, id, rest] = /^#(?:exec\/([^?&]*)[?&]?)?(.*)$/.exec(location.hash || "#");
    const found = new URLSearchParams(rest);
    let wanted = id;
    try { wanted = decodeURIComponent(id || ""); } catch { /* a broken address shows the whole run */ }
    const item = (wanted && executions.get(wanted)) || root;
    if (item) here = scopeOf(item);
    state.tab = TABS[found.get("tab")] ? found.get("tab") : "topology";
    state.run = here.ids.has(found.get("run")) ? found.get("run") : null;
    state.task = found.get("task");
    if (state.run) reveal(state.run);
  };
  const enter = (item) => {
    const from = here.execution;
    here = scopeOf(item);
    // going up, the task run that was stepped into is still selected
    const by = byId.get(from.kind === "LOOP" ? from.loop.taskRunId : trigger(from).taskRunId);
    Object.assign(state, { run: by && here.ids.has(by.id) && !line().includes(from) ? by.id : null, task: null, query: "", filter: null });
    if (state.run) reveal(state.run);
    if (["world", "findings"].includes(state.tab)) state.tab = "topology";
    render(true);
    const head = document.querySelector("h1");
    if (head) head.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  };
  const mark = () => { if (!list) return; const run = byId.get(state.run); if (run) list.setAttribute("aria-activedescendant", `run-${run.index}`); else list.removeAttribute("aria-activedescendant"); };
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
    if (list && list.isConnected) { list.repaint(); mark(); }
    document.querySelectorAll(".fd .chosen").forEach((node) => node.classList.remove("chosen"));
    if (id) document.querySelectorAll(`.fd [data-task="${CSS.escape(byId.get(id).task)}"]`).forEach((node) => node.classList.add("chosen"));
  };
  const selectTask = (id) => { state.task = id; state.tab = "runs"; render(); };
  const render = (step) => {
    list = null;
    panel = detail();
    const tabs = el("nav", { role: "tablist", "aria-label": "views" }, Object.entries(TABS).map(([key, [title]]) =>
      el("button", { role: "tab", id: `tab-${key}`, "aria-selected": String(state.tab === key), tabindex: state.tab === key ? "0" : "-1", onclick: () => go(key) },
        key === "findings" && data.diagnostics.length ? `${title} (${data.diagnostics.length})` : title)));
    document.getElementById("app").replaceChildren(header(), tabs,
      el("main", { class: state.run ? "open" : "" }, el("section", { class: "card", role: "tabpanel", "aria-label": TABS[state.tab][0] }, TABS[state.tab][1]()), panel));
    save(step);
  };
  const go = (key) => { state.tab = key; render(); document.getElementById(`tab-${key}`).focus(); };
  document.addEventListener("keydown", (event) => {
    if (event.target.tagName === "INPUT") { if (event.key === "Escape") event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = Object.keys(TABS);
    if (event.key === "/") { const box = document.getElementById("search"); if (box) { event.preventDefault(); box.focus(); } }
    else if (event.target.getAttribute("role") === "tab" && ["ArrowLeft", "ArrowRight"].includes(event.key)) go(keys[(keys.indexOf(state.tab) + (event.key === "ArrowRight" ? 1 : keys.length - 1)) % keys.length]);
    else if (event.key === "Escape") select(null);
    else if (event.key === "u" && above(here.execution)) enter(above(here.execution));
    else if (list && state.run && event.key === "Enter" && (event.target === list || event.target === document.body)) stepInto(byId.get(state.run));
    else if (list && state.run && ["ArrowLeft", "ArrowRight"].includes(event.key) && here.kids.has(state.run)) fold(byId.get(state.run), event.key === "ArrowLeft");
    else if ("1234567".includes(event.key)) { state.tab = keys[Number(event.key) - 1]; render(); }
    else if (list && ["j", "k", "ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      const at = list.rows.findIndex((run) => run.id === state.run);
      const next = list.rows[Math.min(list.rows.length - 1, Math.max(0, at + (event.key === "j" || event.key === "ArrowDown" ? 1 : -1)))];
      if (next) { select(next.id); list.show(list.rows.indexOf(next)); }
    }
  });
  window.addEventListener("hashchange", () => { load(); render(); });
  window.addEventListener("popstate", () => { load(); render(); });
  window.addEventListener("beforeprint", () => document.querySelectorAll(".scroll").forEach((box) => box.all && box.all()));
  window.addEventListener("afterprint", () => document.querySelectorAll(".scroll").forEach((box) => box.repaint && box.repaint()));
  load();
  if (!location.hash) { const bad = here.runs.filter((run) => run.state === "FAILED" && !here.kids.has(run.id)); const failed = bad.find((run) => (logsOf.get(run.id) || []).some((entry) => entry[2] === "ERROR")) || bad[0]; if (failed) { state.run = failed.id; reveal(failed.id); } }
  render();
  document.documentElement.dataset.ready = "true";
})();
