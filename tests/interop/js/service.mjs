// A Waku service peer on js-libp2p and js-waku's protobufs, alone in its network: metadata, filter, lightpush v2 and v3,
// store v3, over TCP and WebSocket. Arguments: cluster, shard, and the store's largest page.
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { identify } from "@libp2p/identify";
import { mplex } from "@libp2p/mplex";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { webSockets } from "@libp2p/websockets";
import { all } from "@libp2p/websockets/filters";
import {
  proto_filter_v2 as filter,
  proto_lightpush as lightpush,
  proto_metadata as metadata,
  proto_store as store,
} from "@waku/proto";
import * as lp from "it-length-prefixed";
import { pushable } from "it-pushable";
import { createLibp2p } from "libp2p";

import { Archive } from "./archive.mjs";
import { captured } from "./capture.mjs";
import { emit, hex, serve } from "./lines.mjs";

const [clusterId, shardId, largestPage] = process.argv.slice(2).map(Number);
const pubsub = `/waku/2/rs/${clusterId}/${shardId}`;

const node = await createLibp2p({
  addresses: { listen: ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"] },
  transports: [tcp(), webSockets({ filter: all })],
  connectionEncrypters: [noise()],
  streamMuxers: [captured(yamux()), captured(mplex())],
  services: { identify: identify({ agentVersion: "js-libp2p" }), ping: ping() },
});

const archive = new Archive(largestPage);
const subscribers = new Map(); // peer id → { peer, criteria, pushes }
const asked = {}; // protocol → how often

const criterion = (pubsubTopic, contentTopic) => `${pubsubTopic} ${contentTopic}`;

// Opens the one push stream of a subscriber, which lasts as long as it does.
const pushTo = async (subscriber) => {
  const stream = await node.dialProtocol(subscriber.peer, "/vac/waku/filter-push/2.0.0-beta1");
  await stream.sink(lp.encode(subscriber.pushes));
};

const forget = (key) => {
  subscribers.get(key)?.pushes?.end();
  subscribers.delete(key);
};

node.addEventListener("peer:disconnect", ({ detail }) => forget(detail.toString()));

// Archives a message and pushes it; false if it was here before.
const take = (pubsubTopic, message) => {
  if (!archive.put(pubsubTopic, message)) return false;
  const wanted = criterion(pubsubTopic, message.contentTopic);
  for (const [key, subscriber] of subscribers) {
    if (!subscriber.criteria.has(wanted)) continue;
    if (!subscriber.pushes) {
      subscriber.pushes = pushable();
      pushTo(subscriber).catch((error) => {
        console.error("a push stream broke:", error.message);
        forget(key);
      });
    }
    subscriber.pushes.push(filter.MessagePush.encode({ wakuMessage: message, pubsubTopic }));
  }
  return true;
};

// Why a message is refused; undefined when it is good.
const fault = (pubsubTopic, message) => {
  if (!message?.payload?.length || !message.contentTopic || !message.timestamp) return [420, "invalid message"];
  if (pubsubTopic !== pubsub) return [421, "not our shard"];
};

const subscribe = (request, peer) => {
  const key = peer.toString();
  const say = (statusCode, statusDesc) => ({ requestId: request.requestId, statusCode, statusDesc });
  const { SUBSCRIBER_PING, SUBSCRIBE, UNSUBSCRIBE } = filter.FilterSubscribeRequest.FilterSubscribeType;
  const type = request.filterSubscribeType;
  const known = subscribers.get(key);
  if (type === SUBSCRIBE) {
    if (!request.pubsubTopic || request.contentTopics.length === 0) return say(400, "no topics");
    const subscriber = known ?? { peer, criteria: new Set() };
    for (const topic of request.contentTopics) subscriber.criteria.add(criterion(request.pubsubTopic, topic));
    subscribers.set(key, subscriber);
    return say(200, "OK");
  }
  if (!known) return say(404, "no subscription");
  if (type === SUBSCRIBER_PING) return say(200, "OK");
  if (type === UNSUBSCRIBE) {
    for (const topic of request.contentTopics) known.criteria.delete(criterion(request.pubsubTopic, topic));
  }
  if (type !== UNSUBSCRIBE || known.criteria.size === 0) forget(key);
  return say(200, "OK");
};

const protocols = {
  "/vac/waku/metadata/1.0.0": () => metadata.WakuMetadataResponse.encode({ clusterId, shards: [shardId] }),
  "/vac/waku/filter-subscribe/2.0.0-beta1": (body, peer) =>
    filter.FilterSubscribeResponse.encode(subscribe(filter.FilterSubscribeRequest.decode(body), peer)),
  "/vac/waku/lightpush/3.0.0": (body) => {
    const { requestId, pubsubTopic, message } = lightpush.LightPushRequestV3.decode(body);
    const [statusCode, statusDesc] = fault(pubsubTopic, message) ?? [200, "OK"];
    if (statusCode === 200) take(pubsubTopic, message);
    // Alone in its network, so it counts itself.
    const relayPeerCount = statusCode === 200 ? 1 : undefined;
    return lightpush.LightPushResponseV3.encode({ requestId, statusCode, statusDesc, relayPeerCount });
  },
  "/vac/waku/lightpush/2.0.0-beta1": (body) => {
    const { requestId, request } = lightpush.PushRpc.decode(body);
    const refused = fault(request?.pubsubTopic, request?.message);
    if (!refused) take(request.pubsubTopic, request.message);
    return lightpush.PushRpc.encode({ requestId, response: { isSuccess: !refused, info: refused?.[1] } });
  },
  "/vac/waku/store-query/3.0.0": (body) => {
    const request = store.StoreQueryRequest.decode(body);
    const response = archive.query(request);
    emit("store", {
      by: request.messageHashes.length > 0 ? "hash" : "time",
      data: request.includeData,
      cursor: request.paginationCursor?.length ? hex(request.paginationCursor) : null,
      entries: response.messages.length,
      more: response.paginationCursor !== undefined,
      status: response.statusCode,
    });
    return store.StoreQueryResponse.encode(response);
  },
};

for (const [protocol, answer] of Object.entries(protocols)) {
  const served = async ({ stream, connection }) => {
    try {
      const { value, done } = await lp.decode(stream.source)[Symbol.asyncIterator]().next();
      if (done) return await stream.close();
      asked[protocol] = (asked[protocol] ?? 0) + 1;
      await stream.sink(lp.encode([answer(value, connection.remotePeer)]));
    } catch (error) {
      console.error(protocol, error);
      stream.abort(error);
    }
  };
  await node.handle(protocol, served, { maxInboundStreams: 1024 });
}

// Service nodes ask who connects for its cluster.
node.addEventListener("peer:identify", async ({ detail }) => {
  const id = "/vac/waku/metadata/1.0.0";
  if (!detail.protocols.includes(id)) return;
  try {
    const stream = await detail.connection.newStream(id);
    await stream.sink(lp.encode([metadata.WakuMetadataRequest.encode({ clusterId, shards: [shardId] })]));
    const { value } = await lp.decode(stream.source)[Symbol.asyncIterator]().next();
    if (!value) return; // gone again
    const { clusterId: cluster, shards } = metadata.WakuMetadataResponse.decode(value);
    emit("metadata", { peer_id: detail.peerId.toString(), cluster, shards });
    await stream.close();
  } catch (error) {
    console.error("no metadata:", error.message);
  }
});

serve(node.peerId, node.getMultiaddrs(), { asked: () => asked });
