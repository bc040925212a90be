// The line protocol that tests/interop/src/lib.rs describes.
import { createInterface } from "node:readline";

const write = (line) => process.stdout.write(JSON.stringify(line) + "\n");

export const emit = (event, fields) => write({ event, ...fields });

export const hex = (bytes) => Buffer.from(bytes.subarray()).toString("hex");

export const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));

/** Answers calls until standard input ends. `methods`: name → function of the parameters. */
export function serve(peerId, addrs, methods) {
  write({ peer_id: peerId.toString(), addrs: addrs.map(String) });
  const input = createInterface({ input: process.stdin });
  input.on("line", async (line) => {
    const { id, method, ...params } = JSON.parse(line);
    try {
      if (!methods[method]) throw new Error(`no method ${method}`);
      write({ id, result: (await methods[method](params)) ?? null });
    } catch (error) {
      write({ id, error: String(error?.stack ?? error) });
    }
  });
  input.on("close", () => process.exit(0));
}
