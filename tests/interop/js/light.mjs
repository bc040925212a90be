// js-waku's light node, unmodified. Arguments: cluster, shard.
import { mplex } from "@libp2p/mplex";
import { messageHashStr } from "@waku/core";
import { createLightNode, Protocols } from "@waku/sdk";

import { captured } from "./capture.mjs";
import { emit, hex, serve, unhex } from "./lines.mjs";

const [clusterId, shardId] = process.argv.slice(2).map(Number);

const node = await createLightNode({
  networkConfig: { clusterId }, // no number of shards: static sharding
  defaultBootstrap: false,
  discovery: { dns: false, peerExchange: false, peerCache: false },
  numPeersToUse: 1,
  libp2p: {
    filterMultiaddrs: false, // plain ws
    hideWebSocketInfo: true,
    ...(process.env.SOTTO_CAPTURE && { streamMuxers: [captured(mplex())] }),
  },
});
await node.start();
node.libp2p.addEventListener("peer:disconnect", ({ detail }) =>
  emit("disconnected", { peer_id: detail.toString() }),
);

const decoders = new Map();
const decoder = (contentTopic) => {
  if (!decoders.has(contentTopic)) {
    decoders.set(contentTopic, node.createDecoder({ contentTopic, shardId }));
  }
  return decoders.get(contentTopic);
};

const plain = (message) => ({
  topic: message.contentTopic,
  payload: hex(message.payload),
  timestamp_ns: String(message.proto.timestamp),
  hash: message.hashStr,
});

// Every page of a store query, each a list of messages.
const pages = async (topics, options) => {
  const all = [];
  for await (const page of node.store.queryGenerator(topics.map(decoder), options)) {
    const messages = await Promise.all(page);
    all.push(messages.map((message) => message && plain(message)));
  }
  return all;
};

const send = async ({ topic, payload, legacy = false }) => {
  const encoder = node.createEncoder({ contentTopic: topic, shardId });
  const message = { payload: unhex(payload), timestamp: new Date() };
  const options = { useLegacy: legacy, autoRetry: false };
  const { successes, failures } = await node.lightPush.send(encoder, message, options);
  return {
    accepted: successes.length,
    errors: failures.map(({ error }) => error),
    hash: messageHashStr(encoder.pubsubTopic, await encoder.toProtoObj(message)),
  };
};

// Many at once: the hashes of those that were accepted, and how often each error came.
const burst = async ({ topic, round, count }) => {
  const payload = (number) => hex(new Uint8Array([round, number >> 8, number]));
  const sent = await Promise.all(Array.from({ length: count }, (_, n) => send({ topic, payload: payload(n) })));
  const errors = {};
  for (const error of sent.flatMap(({ errors }) => errors)) errors[error] = (errors[error] ?? 0) + 1;
  return { accepted: sent.filter(({ accepted }) => accepted).map(({ hash }) => hash), errors: Object.entries(errors) };
};

serve(node.peerId, [], {
  dial: async ({ addr }) => {
    await node.dial(addr);
  },
  ready: () => node.waitForPeers([Protocols.LightPush, Protocols.Filter, Protocols.Store]),
  // What the peer has told, asked or unasked; `known` only reads, `ask` asks.
  known: async ({ peer_id }) => {
    const peers = await node.libp2p.peerStore.all();
    const peer = peers.find(({ id }) => id.toString() === peer_id);
    const told = peer?.metadata.get("shardInfo");
    return { protocols: peer?.protocols ?? [], shards: told ? hex(told) : null };
  },
  ask: async ({ peer_id }) => {
    const [peer] = node.libp2p.getPeers().filter((id) => id.toString() === peer_id);
    const { shardInfo, error } = await node.libp2p.services.metadata.query(peer);
    return { cluster: shardInfo?.clusterId, shards: shardInfo?.shards, error };
  },
  subscribe: ({ topics }) =>
    node.filter.subscribe(topics.map(decoder), (message) => emit("message", plain(message))),
  unsubscribe: ({ topics }) => node.filter.unsubscribe(topics.map(decoder)),
  send,
  burst,
  store: ({ topics, start_ms, end_ms, forward = true, limit }) =>
    pages(topics, {
      timeStart: start_ms && new Date(start_ms),
      timeEnd: end_ms && new Date(end_ms),
      paginationForward: forward,
      paginationLimit: limit,
    }),
  store_hashes: ({ topics, hashes }) => pages(topics, { messageHashes: hashes.map(unhex) }),
});
