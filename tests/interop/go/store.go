package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/waku-org/go-waku/waku/v2/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/store"
	"google.golang.org/protobuf/proto"
)

// Queries a store v3 to the last page: by hashes, else by topics and time. Pages are as the store gave them.
func (p *peer) storeQuery(ctx context.Context, params params) (any, error) {
	id, err := libp2p.Decode(params.text("peer"))
	if err != nil {
		return nil, err
	}
	options := []store.RequestOption{
		store.WithPeer(id),
		store.WithPaging(!params.yes("backward"), params.number("limit")),
		store.IncludeData(!params.yes("hashes_only")),
	}
	criteria, err := p.criteria(params)
	if err != nil {
		return nil, err
	}
	result, err := p.node.Store().Request(ctx, criteria, options...)
	if err != nil {
		return nil, err
	}
	var pages [][]map[string]any
	for !result.IsComplete() {
		var page []map[string]any
		for _, entry := range result.Messages() {
			one := map[string]any{"hash": hex.EncodeToString(entry.GetMessageHash())}
			if message := entry.GetMessage(); message != nil {
				one["payload"] = hex.EncodeToString(message.GetPayload())
				one["topic"] = message.GetContentTopic()
				one["timestamp"] = fmt.Sprint(message.GetTimestamp())
				one["pubsub"] = entry.GetPubsubTopic()
			}
			page = append(page, one)
		}
		pages = append(pages, page)
		if err := result.Next(ctx); err != nil {
			return nil, err
		}
	}
	return map[string]any{"pages": pages}, nil
}

func (p *peer) criteria(params params) (store.Criteria, error) {
	if hashes := params.texts("hashes"); len(hashes) > 0 {
		criteria := store.MessageHashCriteria{}
		for _, text := range hashes {
			bytes, err := hex.DecodeString(text)
			if err != nil {
				return nil, err
			}
			criteria.MessageHashes = append(criteria.MessageHashes, pb.ToMessageHash(bytes))
		}
		return criteria, nil
	}
	criteria := store.FilterCriteria{ContentFilter: protocol.NewContentFilter(params.text("pubsub"), params.texts("topics")...)}
	for name, bound := range map[string]**int64{"start": &criteria.TimeStart, "end": &criteria.TimeEnd} {
		if text := params.text(name); text != "" {
			time, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, err
			}
			*bound = proto.Int64(time)
		}
	}
	return criteria, nil
}
