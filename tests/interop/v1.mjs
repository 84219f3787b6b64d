// The TypeScript SDK, version 1: node v1.mjs stdio COMMAND ARGUMENT… | http URL | sse URL
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { negotiated, play } from "./story.mjs";

const [where, target, ...args] = process.argv.slice(2);
const open = {
  stdio: () => new StdioClientTransport({ command: target, args }),
  http: () => new StreamableHTTPClientTransport(new URL(target)),
  sse: () => new SSEClientTransport(new URL(target)),
};
const client = new Client({ name: "interop-v1", version: "1.0.0" });
const transport = open[where]();
let version;
const tell = transport.setProtocolVersion?.bind(transport); // the client keeps no record of what was agreed
transport.setProtocolVersion = (agreed) => {
  version = agreed;
  tell?.(agreed);
};
await client.connect(transport);
negotiated(version, "2025-11-25");
await play(client, transport);
