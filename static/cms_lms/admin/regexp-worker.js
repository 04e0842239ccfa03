/**
 * Runs one JavaScript pattern on one URL at a time, away from the page, which terminates this worker when a search
 * takes too long. A classic script rather than a module, so that a worker of the page's own origin can import it
 * from wherever static files are served.
 *
 * It takes {pattern, url} and answers {id}, null where nothing was found, or {refused: true}.
 */
self.addEventListener("message", ({ data }) => {
  let regexp;
  try {
    regexp = new RegExp(data.pattern, "u");
  } catch {
    self.postMessage({ refused: true });
    return;
  }
  self.postMessage({ id: regexp.exec(data.url)?.[1] || null });
});

self.postMessage({ ready: true });
