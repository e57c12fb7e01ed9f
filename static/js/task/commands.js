// Commands that a task's page sends to the server.

/** @import { Environment } from "../net/environment.js" */
/** @import { Texts } from "../ui/texts.js" */

/**
 * Sends a command about a task. Returns the answer of the server, or why the command was refused, in words.
 * @param {{env: Environment, texts: Texts}} tools
 * @param {string} task
 * @param {string} path behind the address of the task
 * @param {Record<string, unknown>} [body]
 * @returns {Promise<{answer: any, refusal: string}>}
 */
export async function sendCommand({ env, texts }, task, path, body = {}) {
  try {
    const response = await env.fetch(`/api/tasks/${encodeURIComponent(task)}/${path}`, {
      method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.ok) return { answer, refusal: "" };
    const key = `error.${answer.error.code}`;
    // What conflicts with what is in the message only.
    const isKnown = answer.error.code !== "conflict" && texts.has(key);
    return { answer: null, refusal: isKnown ? texts.say(key) : answer.error.message };
  } catch {
    return { answer: null, refusal: texts.say("task.not_sent") };
  }
}
