/** What a model would do in these examples, written down: the same job as in scripted_model.py. */

export type Call = { tool: string; arguments: Record<string, unknown> };
type Script = Generator<Call | string, string, string>;

const DOMAIN = "mg.example.com";
const LETTER = {
  domain: DOMAIN,
  from: `Support <support@${DOMAIN}>`,
  to: ["ada@example.org"],
  subject: "Your invoice for November",
  text: "Hello Ada,\nyour invoice is ready.\n",
};
const SHOWN = 110;

/** A model for one conversation. */
export class ScriptedModel {
  private readonly script = job();

  /** What it does now, a call or words for the user, by what it is handed: a result, or what the user said. */
  next(given: string): Call | string {
    const step = this.script.next(given).value;
    if (typeof step !== "string")
      console.log(`model calls ${step.tool} ${JSON.stringify(step.arguments)}`.slice(0, SHOWN));
    return step;
  }
}

function* job(): Script {
  yield* call("list_bounces", { domain: DOMAIN, limit: 2 });
  // There is no event of this name. The refusal says which there are, and the model calls again.
  const refused = yield* call("list_events", { domain: DOMAIN, event: "bounced" });
  if (refused.includes("failed")) yield* call("list_events", { domain: DOMAIN, event: "failed", limit: 2 });
  const sent = yield* proposed("send_message", LETTER);
  const deleted = yield* proposed("delete_bounce", { domain: DOMAIN, address: "gone@example.net" });
  return `The message: ${became(sent)}. The deletion: ${became(deleted)}.`;
}

function* call(tool: string, args: Record<string, unknown>): Script {
  const handed = yield { tool, arguments: args };
  console.log(`model reads ${handed.split(/\s+/).join(" ")}`.slice(0, SHOWN));
  return handed;
}

/** Propose a write. Where the call could ask nobody, tell the user where to decide, and look when they are back. */
function* proposed(tool: string, args: Record<string, unknown>): Script {
  let handed = yield* call(tool, args);
  while (handed.includes("A person must approve")) {
    const id = /apr_[0-9a-f]{32}/.exec(handed)![0];
    yield `${tool} waits for you: decide on the approval page, or with maton-mailgun approvals approve ${id}`;
    handed = yield* call("get_approval", { approval_id: id, wait_seconds: 4 });
  }
  return handed;
}

function became(handed: string): string {
  if (handed.includes("The user said no")) return "you said no, nothing happened";
  return /executed\W+true/.test(handed) ? "executed" : "not known";
}
