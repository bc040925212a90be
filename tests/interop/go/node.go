package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/waku-org/go-waku/waku/v2/node"
	"github.com/waku-org/go-waku/waku/v2/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/filter"
	"github.com/waku-org/go-waku/waku/v2/protocol/lightpush"
	"github.com/waku-org/go-waku/waku/v2/protocol/peer_exchange"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// go-waku's servers answer one request of a peer in a second. Every test would meet that; one is about it.
const perSecond = 1000

// A running node.
type peer struct {
	node   *node.WakuNode
	set    settings
	lines  *lines
	tracer *tracer
	gone   *disconnects
	// go-waku's own counters.
	metrics *prometheus.Registry
}

func start(ctx context.Context, set settings, lines *lines) (*peer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	tracer := newTracer()
	metrics := prometheus.NewRegistry()
	options, err := options(set, port, tracer, metrics)
	if err != nil {
		return nil, err
	}
	connections := make(chan node.PeerConnection, 1024)
	options = append(options, node.WithConnectionNotification(connections))
	waku, err := node.New(options...)
	if err != nil {
		return nil, err
	}
	if err := waku.Start(ctx); err != nil {
		return nil, err
	}
	peer := &peer{node: waku, set: set, lines: lines, tracer: tracer, gone: &disconnects{}, metrics: metrics}
	go peer.gone.watch(connections, lines)
	if set.discv5 {
		waku.DiscV5().SetHost(waku.Host()) // go-waku's own program does this by hand too
		if err := waku.DiscV5().Start(ctx); err != nil {
			return nil, err
		}
	}
	if set.mode != "light" {
		for _, shard := range set.shards {
			if err := peer.listen(ctx, shard); err != nil {
				return nil, err
			}
		}
	}
	return peer, nil
}

// A port that is free for TCP and UDP alike.
func freePort() (int, error) {
	for range 20 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := listener.Addr().(*net.TCPAddr).Port
		packets, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
		_ = listener.Close()
		if err == nil {
			_ = packets.Close()
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port")
}

func options(set settings, port int, tracer *tracer, metrics *prometheus.Registry) ([]node.WakuNodeOption, error) {
	level, err := zapcore.ParseLevel(set.level)
	if err != nil {
		return nil, err
	}
	config := zap.NewDevelopmentConfig()
	config.Level = zap.NewAtomicLevelAt(level)
	config.OutputPaths = []string{"stderr"}
	config.ErrorOutputPaths = []string{os.DevNull} // zap's complaints about zap
	config.DisableStacktrace = true
	logger, err := config.Build()
	if err != nil {
		return nil, err
	}
	key, err := crypto.GenerateKey()
	if err != nil {
		return nil, err
	}
	muxer, err := newCapture(set.capture)
	if err != nil {
		return nil, err
	}
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	options := []node.WakuNodeOption{
		node.WithLogger(logger),
		node.WithLogLevel(level),
		node.WithPrivateKey(key),
		node.WithPrometheusRegisterer(metrics),
		node.WithHostAddress(address),
		node.WithClusterID(set.cluster),
		node.WithShards(set.shards),
		node.WithMaxConnectionsPerIP(0), // all peers of a test have one address
		node.WithKeepAlive(10*time.Second, 5*time.Minute),
		node.WithLibP2POptions(
			libp2p.Transport(tcp.NewTCPTransport),
			libp2p.UserAgent(set.agent),
			libp2p.Muxer("/yamux/1.0.0", muxer),
		),
	}
	if set.discv5 {
		more, err := discovery(set, port)
		if err != nil {
			return nil, err
		}
		options = append(options, more...)
	}
	exchange := node.WithPeerExchange(peer_exchange.WithRateLimiter(perSecond, perSecond))
	subscriptions := []filter.Option{filter.WithFullNodeRateLimiter(perSecond, perSecond)}
	pushes := []lightpush.Option{lightpush.WithRateLimiter(perSecond, perSecond)}
	if set.limited {
		exchange, subscriptions, pushes = node.WithPeerExchange(), nil, nil
	}
	switch set.mode {
	case "service":
		options = append(options, exchange,
			node.WithWakuRelayAndMinPeers(0, gossip(set, tracer)...),
			node.WithWakuFilterFullNode(subscriptions...),
			node.WithLightPush(pushes...))
	case "relay":
		options = append(options, node.WithWakuRelayAndMinPeers(0, gossip(set, tracer)...))
	case "light":
		options = append(options, exchange, node.WithWakuFilterLightNode())
	default:
		return nil, fmt.Errorf("no mode %q", set.mode)
	}
	return options, nil
}

func discovery(set settings, port int) ([]node.WakuNodeOption, error) {
	var boot []*enode.Node
	for _, text := range set.boot {
		record, err := enode.Parse(enode.ValidSchemes, text)
		if err != nil {
			return nil, err
		}
		boot = append(boot, record)
	}
	advertised, err := multiaddr.NewMultiaddr(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))
	if err != nil {
		return nil, err
	}
	return []node.WakuNodeOption{
		node.WithAdvertiseAddresses(advertised), // or it asks routers for a port mapping
		node.WithDiscoveryV5(uint(port), boot, false),
	}, nil
}

func gossip(set settings, tracer *tracer) []pubsub.Option {
	options := []pubsub.Option{pubsub.WithRawTracer(tracer)}
	if set.lazy {
		config := pubsub.DefaultGossipSubParams()
		config.D, config.Dlo, config.Dhi, config.Dout, config.Dscore = 0, 0, 0, 0, 0
		config.Dlazy = protocol.GossipSubDMin
		options = append(options, pubsub.WithGossipSubParams(config), pubsub.WithFloodPublish(false))
	}
	return options
}

// For benches: what comes by relay is taken, and not told.
var quiet = os.Getenv("SOTTO_QUIET") != ""

// Joins a shard and tells what comes.
func (p *peer) listen(ctx context.Context, shard uint16) error {
	topic := protocol.NewStaticShardingPubsubTopic(p.set.cluster, shard).String()
	subs, err := p.node.Relay().Subscribe(ctx, protocol.NewContentFilter(topic), relay.WithCacheSize(4096))
	if err != nil {
		return err
	}
	for _, sub := range subs {
		go func() {
			for envelope := range sub.Ch {
				if !quiet {
					p.message("relay", envelope)
				}
			}
		}()
	}
	return nil
}

func (p *peer) addresses() []string {
	seen := map[string]bool{}
	var all []string
	for _, address := range p.node.ListenAddresses() {
		if text := address.String(); !seen[text] {
			seen[text] = true
			all = append(all, text)
		}
	}
	return all
}

func randomBytes(length int) []byte {
	bytes := make([]byte, length)
	_, _ = rand.Read(bytes)
	return bytes
}
