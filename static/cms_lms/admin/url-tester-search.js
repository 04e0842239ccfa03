/**
 * The browser's own RegExp on many URLs, in a worker that is terminated when a search takes too long: an editor's
 * pattern can hang neither the page nor the site.
 *
 * @typedef {{pattern: string, url: string}} Search
 * @typedef {"found"|"nothing"|"slow"|"refused"|"untried"|"impossible"} Outcome
 * @typedef {{outcome: Outcome, id: string|null}} Finding
 */

// A fair pattern needs microseconds; the rest is for a machine that is busy.
const SEARCH_MS = 500;

// Loading the worker's script takes the network.
const LOADING_MS = 10_000;

const MOST_SLOW_SEARCHES = 3;

/**
 * @param {string} url
 * @returns {Worker}
 */
function open(url) {
  try {
    return new Worker(url);
  } catch {
    // Static files from another origin: a worker of this one may still import them.
    const source = new Blob([`importScripts(${JSON.stringify(new URL(url, document.baseURI).href)})`], {
      type: "text/javascript",
    });
    const blobUrl = URL.createObjectURL(source);
    try {
      return new Worker(blobUrl);
    } finally {
      URL.revokeObjectURL(blobUrl);
    }
  }
}

/**
 * @param {Worker} worker
 * @param {number} milliseconds
 * @param {Search} [search] what to ask; without one the worker's first word is awaited
 * @returns {Promise<Record<string, unknown>|null>} the worker's next message, null when none came in time
 */
function hear(worker, milliseconds, search) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(null), milliseconds);
    worker.onmessage = ({ data }) => {
      clearTimeout(timer);
      resolve(data);
    };
    worker.onerror = () => {
      clearTimeout(timer);
      reject(new Error("The worker failed."));
    };
    if (search) worker.postMessage(search);
  });
}

export class Searcher {
  #workerUrl;
  /** @type {Worker|null} */
  #worker = null;
  #slow = 0;

  /** @param {string} workerUrl */
  constructor(workerUrl) {
    this.#workerUrl = workerUrl;
  }

  /**
   * One search after the other: await each before the next.
   *
   * @param {Search} search
   * @returns {Promise<Finding>}
   */
  async run(search) {
    if (this.#slow >= MOST_SLOW_SEARCHES) return { outcome: "untried", id: null };
    try {
      const worker = this.#worker ?? (await this.#start());
      const answer = await hear(worker, SEARCH_MS, search);
      if (answer === null) {
        this.#slow += 1;
        this.close();
        return { outcome: "slow", id: null };
      }
      if (answer.refused) return { outcome: "refused", id: null };
      const id = typeof answer.id === "string" ? answer.id : null;
      return { outcome: id === null ? "nothing" : "found", id };
    } catch {
      this.close();
      return { outcome: "impossible", id: null };
    }
  }

  /** End the worker, whatever it is doing. */
  close() {
    this.#worker?.terminate();
    this.#worker = null;
  }

  async #start() {
    this.#worker = open(this.#workerUrl);
    if ((await hear(this.#worker, LOADING_MS)) === null) throw new Error("The worker did not start.");
    return this.#worker;
  }
}
