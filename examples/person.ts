/** The person at the terminal of these examples, as person.py. */

import { createInterface } from "node:readline";

const JOB = "Tell Ada that her invoice is ready, and take gone@example.net off the bounce list.";
const terminal = createInterface({ input: process.stdin });
const lines = terminal[Symbol.asyncIterator]();

async function typed(prompt: string): Promise<string> {
  process.stdout.write(prompt);
  return (await lines.next()).value ?? "";
}

/** What the person tells the model, turn by turn: the job first, then what they type, until an empty line. */
export async function* says(): AsyncGenerator<string> {
  for (let said = JOB; said; said = await typed("You: ")) yield said;
  terminal.close();
}

/** The person's answer to a question of the server, as the form wants it. Never answer it in code. */
export async function decides(question: string): Promise<{ decision: string } | undefined> {
  console.log(question);
  const decision = await typed("Your decision [approve/reject]: ");
  return ["approve", "reject"].includes(decision) ? { decision } : undefined;
}
