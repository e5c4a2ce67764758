// Receives Recibo's messages: verifies, takes each once, answers quickly. Needs nothing but Node 18.
//
//   RECIBO_SECRET=whsec_… node receiver.mjs 8080

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const KEY = Buffer.from(process.env.RECIBO_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE = 5 * 60; // seconds that the clocks may differ
const seen = new Set(); // of your own: a table with a unique key, in the transaction of your act

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts); // the bytes as they came: they are what is signed
  if (!verified(request.headers, body)) return response.writeHead(401).end();
  keep(request.headers["webhook-id"], JSON.parse(body));
  response.writeHead(204).end(); // only now: what is not kept is sent again
});

function verified(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": given } = headers;
  if (!id || !given || !(Math.abs(Date.now() / 1000 - Number(time)) <= TOLERANCE)) return false;
  const wanted = createHmac("sha256", KEY).update(`${id}.${time}.`).update(body).digest();
  // Several while the secret is being rotated: one that fits is enough.
  return given.split(" ").some((one) => {
    const [version, signature = ""] = one.split(",");
    const bytes = Buffer.from(signature, "base64");
    return version === "v1" && bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
  });
}

function keep(id, message) {
  if (seen.has(id)) return; // it came before
  seen.add(id);
  console.log(`${message.type} ${id}`); // your own code comes here
}

server.listen(Number(process.argv[2]), "127.0.0.1");
