/**
 * Says what a move in the list of LMS backends did to the course runs, right after it was made, with the button
 * that undoes it. The words and the button come from the server.
 *
 * Wagtail's orderable listing tells of a move that the server has taken by the event that adds its message.
 */

const MOVED = "w-messages:add";

class ReorderImpact extends HTMLElement {
  /** @type {AbortController | null} */
  #asking = null;

  #refresh = () => void this.#ask();

  connectedCallback() {
    document.addEventListener(MOVED, this.#refresh);
    this.#returnToRow();
  }

  disconnectedCallback() {
    document.removeEventListener(MOVED, this.#refresh);
    this.#asking?.abort();
  }

  /** Show what the last move did; an answer that a later move overtook is dropped. */
  async #ask() {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    this.replaceChildren();
    try {
      const response = await fetch(this.dataset.url ?? "", { signal: asking.signal, cache: "no-store" });
      if (response.ok) this.#show(await response.text());
    } catch (error) {
      if (!asking.signal.aborted) throw error;
    }
  }

  /** @param {string} html What the server rendered. */
  #show(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    this.replaceChildren(template.content);
  }

  /** After Undo, which loads the page anew: go on with the keyboard where the row is. */
  #returnToRow() {
    // Not the address's fragment: the browser takes the focus away when it scrolls there.
    const undone = new URLSearchParams(location.search).get("undone");
    document.getElementById(`item_${undone}`)?.querySelector("button")?.focus();
  }
}

customElements.define("cms-lms-reorder-impact", ReorderImpact);
