// What a passkey signs: a decision about exactly what is shown, or that a person has a new one.

import * as api from "./api.js";
import { fill, h, value } from "./dom.js";

/** No passkey signed: nothing was sent to be decided. */
export class Unsigned extends Error {}

/** The decision with the signature that the server wants for it; throws where the person has none, or does not sign. */
export async function signed(id, decision) {
  const { nonce, options } = await api.challenge(id, decision);
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: options.allowCredentials.map(described) };
  const made = await asked(() => navigator.credentials.get({ publicKey }));
  return { ...decision, signed: { nonce, credential: plain(made, ["clientDataJSON", "authenticatorData", "signature"]) } };
}

/** The page that makes a new passkey, over a link that works once. `needed` has the person sign in where they must. */
export function makePasskey(main, token, needed) {
  const told = h("p", { class: "decision-problem", role: "alert" });
  const make = h("button", { type: "button", class: "primary", id: "make-passkey" }, "Make the passkey");
  const heading = h("h1", { tabindex: "-1" }, "A passkey for your decisions");
  make.addEventListener("click", async () => {
    make.disabled = true;
    told.textContent = "";
    try {
      const options = await api.passkeyOptions(token);
      const publicKey = {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: (options.excludeCredentials ?? []).map(described),
      };
      const made = await asked(() => navigator.credentials.create({ publicKey }));
      const { person } = await api.passkey(token, plain(made, ["clientDataJSON", "attestationObject"]));
      fill(main, h("div", { class: "welcome" }, h("h1", { tabindex: "-1" }, "The passkey is made"),
        h("p", {}, "It is ", value(person), "'s. The terminal goes on; this tab can be closed.")));
    } catch (problem) {
      if (problem.status === 401 && problem.content?.named) return needed(problem);
      told.textContent = problem.message;
      make.disabled = false;
    }
  });
  fill(main, h("div", { class: "welcome" }, heading,
    h("p", {}, "The key stays on your device, behind its own lock. It will sign each decision that asks for one."), make, told));
  heading.focus();
}

async function asked(ask) {
  if (!window.PublicKeyCredential) throw new Unsigned("This browser has no passkeys here: open the page as http://localhost or over https.");
  try {
    return await ask();
  } catch (problem) {
    throw new Unsigned(`No passkey was used (${problem.name}). Nothing was decided.`);
  }
}

const described = (one) => ({ ...one, id: bytes(one.id) });

const plain = (made, parts) => ({
  id: made.id,
  rawId: made.id,
  type: made.type,
  clientExtensionResults: {},
  response: Object.fromEntries(parts.map((part) => [part, text(made.response[part])])),
});

function bytes(encoded) {
  return Uint8Array.from(atob(encoded.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
