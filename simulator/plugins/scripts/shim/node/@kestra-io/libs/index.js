// Kestra's helper library for scripts: each call prints one line of the ::{...}:: protocol.
"use strict";

function send(message) {
  console.log("::" + JSON.stringify(message) + "::");
}

function metric(name, type, value, tags) {
  send({ metrics: [{ name, type, value, tags: tags || {} }] });
}

function log(level) {
  return (...parts) => {
    const text = parts.map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join(" ");
    send({ logs: [{ level, message: text }] });
  };
}

const Kestra = {
  outputs: (outputs) => send({ outputs }),
  counter: (name, value, tags) => metric(name, "counter", value, tags),
  gauge: (name, value, tags) => metric(name, "gauge", value, tags),
  timer: (name, duration, tags) => {
    if (typeof duration !== "function") {
      metric(name, "timer", duration, tags);
      return;
    }
    const start = process.hrtime.bigint();
    duration(() => metric(name, "timer", Number(process.hrtime.bigint() - start) / 1e9, tags));
  },
  logger: {
    trace: log("TRACE"),
    debug: log("DEBUG"),
    log: log("INFO"),
    info: log("INFO"),
    warn: log("WARN"),
    error: log("ERROR"),
  },
};

module.exports = Kestra;
module.exports.Kestra = Kestra;
module.exports.default = Kestra;
