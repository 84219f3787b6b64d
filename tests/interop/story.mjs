// One visit of one customer, the same for every client: a line per check, exit code 1 if one fails.
import { randomUUID } from "node:crypto";

const INVALID_PARAMS = -32602;
const TOOLS = ["lookup_profile", "recall", "add_observation", "write_summary", "upsert_traits"];

let failures = 0;

function check(what, holds, seen) {
  console.log(`${holds ? "ok " : "BAD"} ${what}${holds ? "" : `: ${JSON.stringify(seen)}`}`);
  if (!holds) failures += 1;
}

async function refused(what, promise, fits) {
  const [answer, error] = await promise.then((answer) => [answer, null], (error) => [null, error]);
  check(what, error !== null && fits(error), error ? `${error.code} ${error.message}` : answer);
}

/** Plays the story on a connected client of either SDK, then closes it and leaves. */
export async function play(client, transport) {
  try {
    await lists(client);
    await visit(client, tampering(transport));
    await mistakes(client);
  } catch (error) {
    check("nothing fails unexpectedly", false, error.stack);
  } finally {
    await client.close();
  }
  process.exit(failures ? 1 : 0);
}

export function negotiated(version, expected) {
  check(`version ${expected} is negotiated`, version === expected, version);
}

async function lists(client) {
  check("instructions are given", client.getInstructions()?.includes("lookup_profile"), client.getInstructions());
  check("the server says its name and version", Boolean(client.getServerVersion()?.version), client.getServerVersion());

  const { tools } = await client.listTools();
  const names = tools.map((tool) => tool.name);
  check("the tools of an agent are listed", TOOLS.every((name) => names.includes(name)), names);
  const bare = tools.filter((tool) => !(tool.description && tool.title && tool.annotations && tool.outputSchema));
  check("each tool has title, description, annotations and output schema", bare.length === 0, bare);

  const { resources } = await client.listResources();
  check("resources are listed", resources.some((one) => one.uri === "memory://store"), resources);
  const { resourceTemplates } = await client.listResourceTemplates();
  const templates = resourceTemplates.map((one) => one.uriTemplate);
  check("resource templates are listed", templates.includes("memory://profiles/{profile_id}/context"), templates);
  const { prompts } = await client.listPrompts();
  check("prompts are listed", prompts.some((one) => one.name === "customer_briefing"), prompts);
}

async function visit(client, tamper) {
  const call = async (name, args) => {
    const asked = { name, arguments: args };
    const result = await client.callTool(asked);
    check(`${name} succeeds`, !result.isError, result);
    check(`${name} answers in text`, result.content.some((one) => one.type === "text" && one.text), result.content);
    check(`${name} answers in structured content`, Boolean(result.structuredContent), result);
    const broken = tamper(() => client.callTool(asked)); // every tool may be repeated
    const proof = (error) => error.message.includes("output schema");
    await refused(`${name}: the client does check the output schema`, broken, proof);
    return result.structuredContent;
  };
  const email = `interop-${randomUUID()}@example.com`;

  const unknown = await call("lookup_profile", { value: email });
  check("a stranger is not found", unknown.found === false && Boolean(unknown.hint), unknown);
  const traits = { Contact: { email, firstName: "Zoë" } };
  const { profile_id } = await call("upsert_traits", { traits });
  const known = await call("lookup_profile", { value: email.toUpperCase() });
  check("a customer is found again", known.found && known.profile_id === profile_id, known);

  const content = "Is allergic to wool and asked for cotton only";
  await call("add_observation", { profile_id, observations: [{ content, source: "sms" }] });
  const recalled = await call("recall", { profile_id, query: "Which fabrics should we avoid?" });
  check("what was observed is recalled", recalled.observations[0]?.content === content, recalled);
  await call("write_summary", { profile_id, conversation_id: "chat-1", content: "Asked for a cotton pullover." });

  const uri = `memory://profiles/${profile_id}`;
  const { contents } = await client.readResource({ uri });
  const profile = JSON.parse(contents[0].text);
  check("the profile can be read", profile.counts.observations === 1 && profile.counts.summaries === 1, profile);
  check("the profile keeps every letter", profile.traits.Contact.firstName === "Zoë", profile.traits);
  const prompt = await client.getPrompt({ name: "customer_briefing", arguments: { profile_id } });
  check("a prompt brings the memory along", prompt.messages[0].content.text.includes(content), prompt);
  await completes(client, profile_id);
}

async function completes(client, profileId) {
  const argument = { name: "profile_id", value: profileId.slice(0, -1) };
  for (const ref of [
    { type: "ref/prompt", name: "customer_briefing" },
    { type: "ref/resource", uri: "memory://profiles/{profile_id}" },
  ]) {
    const { completion } = await client.complete({ ref, argument });
    check(`profile_id is completed for ${ref.type}`, completion.values.includes(profileId), completion);
  }
}

async function mistakes(client) {
  const slip = await client.callTool({ name: "lookup_profile", arguments: { value: "a@example.com", idtype: "email" } });
  const text = slip.content[0]?.text ?? "";
  check("an unknown argument is an error a model can read", slip.isError && text.includes("idtype"), slip);
  const code = (error) => error.code === INVALID_PARAMS;
  await refused("an unknown tool is a protocol error", client.callTool({ name: "forget_all", arguments: {} }), code);
  await refused("an unknown prompt is a protocol error", client.getPrompt({ name: "no_such" }), code);
  const uri = "memory://profiles/mem_profile_00000000000000000000000000";
  await refused("an unknown profile is a protocol error", client.readResource({ uri }), code);
}

/** Returns a function that makes a call whose structured content is emptied on its way to the client. */
function tampering(transport) {
  let active = false;
  const pass = transport.onmessage;
  transport.onmessage = (message, extra) => {
    const hit = active && message.result?.structuredContent;
    pass(hit ? { ...message, result: { ...message.result, structuredContent: {} } } : message, extra);
  };
  return async (call) => {
    active = true;
    try {
      return await call();
    } finally {
      active = false;
    }
  };
}
