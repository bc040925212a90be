// What goes over each stream of a connection, for docs/waku.md: SOTTO_CAPTURE=1 prints it to standard error, inside the
// encryption, each stream with its negotiation.
import { hex } from "./lines.mjs";

const tap = (stream, who) => {
  const say = (way, chunk) => console.error(`${who} ${stream.id} ${way} ${hex(chunk)}`);
  const { sink, source } = stream;
  stream.sink = (data) =>
    sink(
      (async function* () {
        for await (const chunk of data) {
          say("js>", chunk);
          yield chunk;
        }
      })(),
    );
  stream.source = (async function* () {
    for await (const chunk of source) {
      say(">js", chunk);
      yield chunk;
    }
  })();
  return stream;
};

/** A stream muxer that prints; without SOTTO_CAPTURE the muxer itself. */
export const captured = (muxer) => {
  if (!process.env.SOTTO_CAPTURE) return muxer;
  return (components) => {
    const factory = muxer(components);
    return {
      ...factory,
      protocol: factory.protocol,
      createStreamMuxer(init) {
        const inbound = init?.onIncomingStream;
        const made = factory.createStreamMuxer({
          ...init,
          onIncomingStream: (stream) => inbound?.(tap(stream, "theirs")),
        });
        const open = made.newStream.bind(made);
        made.newStream = async (name) => tap(await open(name), "ours");
        return made;
      },
    };
  };
};
