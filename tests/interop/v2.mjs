// The TypeScript SDK, version 2: node v2.mjs legacy|auto|modern, then stdio COMMAND ARGUMENT… | http URL | sse URL
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { negotiated, play } from "./story.mjs";

const [era, where, target, ...args] = process.argv.slice(2);
const open = {
  stdio: () => new StdioClientTransport({ command: target, args }),
  http: () => new StreamableHTTPClientTransport(new URL(target)),
  sse: () => new SSEClientTransport(new URL(target)),
};
const MODERN = "2026-07-28";
const mode = era === "modern" ? { pin: MODERN } : era;
const client = new Client({ name: "interop-v2", version: "1.0.0" }, { versionNegotiation: { mode } });
const transport = open[where]();
await client.connect(transport);
negotiated(client.getNegotiatedProtocolVersion(), era === "legacy" ? "2025-11-25" : MODERN);
await play(client, transport);
