package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/rlp"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/waku-org/go-waku/waku/v2/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/filter"
	"github.com/waku-org/go-waku/waku/v2/protocol/lightpush"
	"github.com/waku-org/go-waku/waku/v2/protocol/metadata"
	metadatapb "github.com/waku-org/go-waku/waku/v2/protocol/metadata/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/peer_exchange"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
	"google.golang.org/protobuf/proto"
)

const patience = 30 * time.Second

// Byte strings are hex, times nanoseconds as text (JSON numbers lose digits).
func (p *peer) call(ctx context.Context, method string, params params) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch method {
	case "connect":
		return nil, p.node.DialPeer(ctx, params.text("addr"))
	case "disconnect":
		id, err := libp2p.Decode(params.text("peer"))
		if err != nil {
			return nil, err
		}
		return nil, p.node.ClosePeerById(id)
	case "peers":
		return p.peers()
	case "record":
		return p.record()
	case "counters":
		return p.counters()
	case "relay":
		return p.relay(params)
	case "publish":
		return p.publish(ctx, params)
	case "lightpush":
		return p.lightpush(ctx, params)
	case "filter_subscribe":
		return nil, p.filterSubscribe(ctx, params)
	case "filter_ping":
		id, err := libp2p.Decode(params.text("peer"))
		if err != nil {
			return nil, err
		}
		return nil, p.node.FilterLightnode().Ping(ctx, id)
	case "filter_unsubscribe":
		return nil, p.filterUnsubscribe(ctx, params)
	case "store_query":
		return p.storeQuery(ctx, params)
	case "metadata":
		return p.metadata(ctx, params)
	case "peer_exchange":
		return nil, p.peerExchange(ctx, params)
	}
	return nil, fmt.Errorf("no method %q", method)
}

func (p *peer) message(via string, envelope *protocol.Envelope) {
	message := envelope.Message()
	p.lines.event("message", map[string]any{
		"via":       via,
		"hash":      hex.EncodeToString(envelope.Hash().Bytes()),
		"topic":     message.ContentTopic,
		"pubsub":    envelope.PubsubTopic(),
		"payload":   hex.EncodeToString(message.Payload),
		"timestamp": fmt.Sprint(message.GetTimestamp()),
	})
}

// A message to send: payload or, for long ones, a number of random bytes.
func (p *peer) made(params params) (*pb.WakuMessage, error) {
	payload, err := params.bytes("payload")
	if err != nil {
		return nil, err
	}
	if size := params.number("random"); size > 0 {
		payload = randomBytes(int(size))
	}
	return &pb.WakuMessage{
		Payload:      payload,
		ContentTopic: params.text("topic"),
		Version:      proto.Uint32(0),
		Timestamp:    proto.Int64(time.Now().UnixNano()),
	}, nil
}

// What is known of a message that was sent.
func (p *peer) sent(message *pb.WakuMessage, hash pb.MessageHash) map[string]any {
	return map[string]any{
		"hash":      hex.EncodeToString(hash.Bytes()),
		"payload":   hex.EncodeToString(message.Payload),
		"timestamp": fmt.Sprint(message.GetTimestamp()),
	}
}

func (p *peer) publish(ctx context.Context, params params) (any, error) {
	message, err := p.made(params)
	if err != nil {
		return nil, err
	}
	hash, err := p.node.Relay().Publish(ctx, message, relay.WithPubSubTopic(params.text("pubsub")))
	if err != nil {
		return nil, err
	}
	return p.sent(message, hash), nil
}

func (p *peer) lightpush(ctx context.Context, params params) (any, error) {
	message, err := p.made(params)
	if err != nil {
		return nil, err
	}
	id, err := libp2p.Decode(params.text("peer"))
	if err != nil {
		return nil, err
	}
	hash, err := p.node.Lightpush().Publish(ctx, message, lightpush.WithPeer(id), lightpush.WithPubSubTopic(params.text("pubsub")))
	if err != nil {
		return nil, err
	}
	return p.sent(message, hash), nil
}

// Who is connected, and who else is known.
func (p *peer) peers() (any, error) {
	all, err := p.node.Peers()
	if err != nil {
		return nil, err
	}
	connected := map[string]any{}
	for _, one := range all {
		if one.Connected {
			connected[one.ID.String()] = map[string]any{"protocols": one.Protocols, "pubsub": one.PubsubTopics}
		}
	}
	return map[string]any{"connected": connected, "disconnects": p.gone.snapshot()}, nil
}

// The node's ENR, as text and as bytes.
func (p *peer) record() (any, error) {
	bytes, err := rlp.EncodeToBytes(p.node.ENR().Record())
	return map[string]any{"enr": p.node.ENR().String(), "rlp": hex.EncodeToString(bytes)}, err
}

// go-waku's own counters, by name and label.
func (p *peer) counters() (any, error) {
	families, err := p.metrics.Gather()
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, one := range family.GetMetric() {
			name := family.GetName()
			for _, label := range one.GetLabel() {
				name += ":" + label.GetValue()
			}
			if counter := one.GetCounter(); counter != nil {
				all[name] = counter.GetValue()
			}
		}
	}
	return all, nil
}

func (p *peer) relay(params params) (any, error) {
	topic := params.text("pubsub")
	counted := p.tracer.snapshot(topic)
	subscribers := []string{}
	for _, id := range p.node.Relay().PubSub().ListPeers(topic) {
		subscribers = append(subscribers, id.String())
	}
	counted["subscribers"] = subscribers
	return counted, nil
}

func (p *peer) criterion(params params) (libp2p.ID, protocol.ContentFilter, error) {
	id, err := libp2p.Decode(params.text("peer"))
	return id, protocol.NewContentFilter(params.text("pubsub"), params.texts("topics")...), err
}

func (p *peer) filterSubscribe(ctx context.Context, params params) error {
	id, criterion, err := p.criterion(params)
	if err != nil {
		return err
	}
	found, err := p.node.FilterLightnode().Subscribe(ctx, criterion, filter.WithPeer(id))
	if err != nil {
		return err
	}
	for _, one := range found {
		go func() {
			for envelope := range one.C {
				p.message("filter", envelope)
			}
		}()
	}
	return nil
}

func (p *peer) filterUnsubscribe(ctx context.Context, params params) error {
	id, criterion, err := p.criterion(params)
	if err != nil {
		return err
	}
	result, err := p.node.FilterLightnode().Unsubscribe(ctx, criterion, filter.WithPeer(id))
	if err != nil {
		return err
	}
	for _, one := range result.Errors() {
		err = errors.Join(err, one.Err)
	}
	return err
}

func (p *peer) metadata(ctx context.Context, params params) (any, error) {
	id, err := libp2p.Decode(params.text("peer"))
	if err != nil {
		return nil, err
	}
	stream, err := p.node.Host().NewStream(ctx, id, metadata.MetadataID_v1)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	ours := metadatapb.WakuMetadataRequest{ClusterId: proto.Uint32(uint32(p.set.cluster))}
	for _, shard := range p.set.shards {
		ours.Shards = append(ours.Shards, uint32(shard))
	}
	if err := pbio.NewDelimitedWriter(stream).WriteMsg(&ours); err != nil {
		return nil, err
	}
	var theirs metadatapb.WakuMetadataResponse
	if err := pbio.NewDelimitedReader(stream, 1024).ReadMsg(&theirs); err != nil {
		return nil, err
	}
	return map[string]any{"cluster": theirs.GetClusterId(), "shards": theirs.GetShards()}, nil
}

// Asks for others; go-waku connects to those it is given.
func (p *peer) peerExchange(ctx context.Context, params params) error {
	id, err := libp2p.Decode(params.text("peer"))
	if err != nil {
		return err
	}
	return p.node.PeerExchange().Request(context.WithoutCancel(ctx), int(params.number("count")), peer_exchange.WithPeer(id))
}
