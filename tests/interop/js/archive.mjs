// The service peer's messages, in memory: store v3's order, filters and pages.
import { messageHash } from "@waku/core";

import { hex } from "./lines.mjs";

const DEFAULT_PAGE = 20;
const LARGEST_PAGE = 100;

const rank = (a, b) =>
  a.message.timestamp === b.message.timestamp
    ? a.key < b.key ? -1 : 1
    : a.message.timestamp < b.message.timestamp ? -1 : 1;

export class Archive {
  #entries = [];
  #keys = new Set();
  #largestPage;

  constructor(largestPage = LARGEST_PAGE) {
    this.#largestPage = largestPage;
  }

  /** Keeps a message; false if it is known. */
  put(pubsubTopic, message) {
    const hash = messageHash(pubsubTopic, message);
    const key = hex(hash);
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    this.#entries.push({ hash, key, pubsubTopic, message });
    this.#entries.sort(rank);
    return true;
  }

  /** Answers a StoreQueryRequest. */
  query(request) {
    const wanted = new Set(request.messageHashes.map((hash) => hex(hash)));
    const found = this.#entries.filter(({ key, pubsubTopic, message }) =>
      wanted.size > 0
        ? wanted.has(key)
        : (request.pubsubTopic === undefined || request.pubsubTopic === pubsubTopic) &&
          (request.contentTopics.length === 0 || request.contentTopics.includes(message.contentTopic)) &&
          (request.timeStart === undefined || request.timeStart <= message.timestamp) &&
          (request.timeEnd === undefined || message.timestamp <= request.timeEnd),
    );
    const limit = Math.min(Number(request.paginationLimit ?? 0n) || DEFAULT_PAGE, this.#largestPage);
    const forward = request.paginationForward;
    let [from, to] = [0, found.length];
    if (request.paginationCursor?.length) {
      const cursor = hex(request.paginationCursor);
      const at = found.findIndex(({ key }) => key === cursor);
      if (at < 0) return { requestId: "", statusCode: 400, statusDesc: "unknown cursor", messages: [] };
      [from, to] = forward ? [at + 1, to] : [0, at];
    }
    const page = forward ? found.slice(from, Math.min(from + limit, to)) : found.slice(Math.max(to - limit, from), to);
    const more = to - from > page.length;
    const edge = forward ? page.at(-1) : page[0];
    return {
      requestId: request.requestId,
      statusCode: 200,
      statusDesc: "OK",
      messages: page.map(({ hash, pubsubTopic, message }) =>
        request.includeData ? { messageHash: hash, message, pubsubTopic } : { messageHash: hash },
      ),
      paginationCursor: more ? edge.hash : undefined,
    };
  }
}
