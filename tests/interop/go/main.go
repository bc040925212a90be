// A go-waku node as the other end of Sotto's interop tests. The line protocol is described in ../src/lib.rs.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/waku-org/go-waku/waku/v2/node"
)

// What a node is started as.
type settings struct {
	mode    string   // "service", "relay" or "light"
	cluster uint16   // Waku cluster
	shards  []uint16 // its shards
	lazy    bool     // no mesh: messages are announced by IHAVE only
	limited bool     // go-waku's own limits: one request of a peer a second
	discv5  bool     // find others over UDP, for peer exchange
	boot    []string // ENRs to begin with
	agent   string   // what identify says
	capture string   // a file for what goes over each stream
	level   string   // of the log on stderr
}

func main() {
	set, err := parse()
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lines := newLines(os.Stdout)
	peer, err := start(ctx, set, lines)
	if err != nil {
		log.Fatal(err)
	}
	lines.write(map[string]any{"peer_id": peer.node.ID(), "addrs": peer.addresses()})
	lines.serve(os.Stdin, func(method string, params params) (any, error) {
		return peer.call(ctx, method, params)
	})
	// No orderly Stop: it may wait seconds for peers that are gone, and a test measures nothing there.
}

func parse() (settings, error) {
	mode := flag.String("mode", "service", "service, relay or light")
	cluster := flag.Uint("cluster", 66, "Waku cluster")
	shards := flag.String("shards", "0", "shards, separated by commas")
	lazy := flag.Bool("lazy", false, "no mesh: announce messages, send them only when asked")
	limited := flag.Bool("limited", false, "go-waku's own limits: one request of a peer a second")
	discv5 := flag.Bool("discv5", false, "find other nodes over UDP")
	boot := flag.String("boot", "", "ENRs to begin with, separated by commas")
	agent := flag.String("agent", node.UserAgent, "what identify says")
	capture := flag.String("capture", "", "file for what goes over each stream")
	level := flag.String("log", "error", "log level")
	flag.Parse()
	set := settings{mode: *mode, cluster: uint16(*cluster), lazy: *lazy, limited: *limited, discv5: *discv5, agent: *agent, capture: *capture, level: *level}
	for _, text := range strings.Split(*shards, ",") {
		shard, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return set, err
		}
		set.shards = append(set.shards, uint16(shard))
	}
	if *boot != "" {
		set.boot = strings.Split(*boot, ",")
	}
	return set, nil
}
