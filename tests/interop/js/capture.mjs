// Records what goes over each stream, between the muxer and everything above it, where the bytes are plain and whole. A
// line of JSON a stream, written when both its halves have ended or the process does, into a file in the folder that
// SOTTO_CAPTURE names. For docs/waku.md, not for the tests.
import { appendFileSync } from "node:fs";
import { basename, join } from "node:path";

import { hex } from "./lines.mjs";

const folder = process.env.SOTTO_CAPTURE;
const file = folder && join(folder, `js-${basename(process.argv[1], ".mjs")}-${process.pid}.jsonl`);

const open = new Set();
const write = (record) => open.delete(record) && appendFileSync(file, JSON.stringify(record) + "\n");
if (file) process.on("exit", () => open.forEach(write));

// What a stream of js-libp2p's muxers calls when bytes come and go, and when a half of it ends.
const tap = (stream, opened) => {
  const record = { opened_by_js: opened, in: "", out: "" };
  open.add(record);
  let halves = 2;
  const ended = () => {
    halves -= 1;
    if (halves === 0) write(record);
  };
  const before = (name, act) => {
    const original = stream[name].bind(stream);
    stream[name] = (...args) => {
      act(...args);
      return original(...args);
    };
  };
  before("sourcePush", (data) => (record.in += hex(data)));
  before("sendData", (data) => (record.out += hex(data)));
  before("remoteCloseWrite", ended);
  before("sendCloseWrite", ended);
  return stream;
};

/** A stream muxer that records; without SOTTO_CAPTURE the muxer itself. */
export const captured = (muxer) => {
  if (!file) return muxer;
  return (components) => {
    const factory = muxer(components);
    return {
      protocol: factory.protocol,
      createStreamMuxer(init) {
        const incoming = init?.onIncomingStream;
        const made = factory.createStreamMuxer({
          ...init,
          onIncomingStream: (stream) => incoming?.(tap(stream, false)),
        });
        const newStream = made.newStream.bind(made);
        made.newStream = async (name) => tap(await newStream(name), true);
        return made;
      },
    };
  };
};
