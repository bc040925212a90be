package main

import (
	"encoding/hex"
	"sync"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	libp2p "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/waku-org/go-waku/waku/v2/node"
)

// What gossipsub does, counted: go-waku has no other window into its mesh.
type tracer struct {
	mutex    sync.Mutex
	mesh     map[string]map[libp2p.ID]bool
	grafts   int
	prunes   int
	refused  int // PRUNEs sent
	rejected map[string]int
	// How often each message id was announced and asked for, by us and to us.
	ihaveIn, ihaveOut, iwantIn, iwantOut map[string]int
}

func newTracer() *tracer {
	return &tracer{
		mesh:     map[string]map[libp2p.ID]bool{},
		rejected: map[string]int{},
		ihaveIn:  map[string]int{},
		ihaveOut: map[string]int{},
		iwantIn:  map[string]int{},
		iwantOut: map[string]int{},
	}
}

func (t *tracer) snapshot(topic string) map[string]any {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	mesh := []string{}
	for id := range t.mesh[topic] {
		mesh = append(mesh, id.String())
	}
	return map[string]any{
		"mesh": mesh, "grafts": t.grafts, "prunes": t.prunes, "refused": t.refused, "rejected": copied(t.rejected),
		"ihave_in": copied(t.ihaveIn), "ihave_out": copied(t.ihaveOut),
		"iwant_in": copied(t.iwantIn), "iwant_out": copied(t.iwantOut),
	}
}

func copied(counts map[string]int) map[string]int {
	all := make(map[string]int, len(counts))
	for key, count := range counts {
		all[key] = count
	}
	return all
}

func (t *tracer) Graft(id libp2p.ID, topic string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.grafts++
	if t.mesh[topic] == nil {
		t.mesh[topic] = map[libp2p.ID]bool{}
	}
	t.mesh[topic][id] = true
}

func (t *tracer) Prune(id libp2p.ID, topic string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.prunes++
	delete(t.mesh[topic], id)
}

func (t *tracer) RemovePeer(id libp2p.ID) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, peers := range t.mesh {
		delete(peers, id)
	}
}

func (t *tracer) RejectMessage(_ *pubsub.Message, reason string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.rejected[reason]++
}

func (t *tracer) RecvRPC(rpc *pubsub.RPC) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	count(rpc, t.ihaveIn, t.iwantIn)
}

func (t *tracer) SendRPC(rpc *pubsub.RPC, _ libp2p.ID) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	count(rpc, t.ihaveOut, t.iwantOut)
	t.refused += len(rpc.GetControl().GetPrune())
}

func count(rpc *pubsub.RPC, ihave, iwant map[string]int) {
	for _, announced := range rpc.GetControl().GetIhave() {
		for _, id := range announced.GetMessageIDs() {
			ihave[hex.EncodeToString([]byte(id))]++
		}
	}
	for _, asked := range rpc.GetControl().GetIwant() {
		for _, id := range asked.GetMessageIDs() {
			iwant[hex.EncodeToString([]byte(id))]++
		}
	}
}

// The rest of the interface.
func (t *tracer) AddPeer(libp2p.ID, protocol.ID)       {}
func (t *tracer) Join(string)                          {}
func (t *tracer) Leave(string)                         {}
func (t *tracer) ValidateMessage(*pubsub.Message)      {}
func (t *tracer) DeliverMessage(*pubsub.Message)       {}
func (t *tracer) DuplicateMessage(*pubsub.Message)     {}
func (t *tracer) ThrottlePeer(libp2p.ID)               {}
func (t *tracer) DropRPC(*pubsub.RPC, libp2p.ID)       {}
func (t *tracer) UndeliverableMessage(*pubsub.Message) {}

// Connections that came and went.
type disconnects struct {
	mutex sync.Mutex
	count map[string]int
}

func (d *disconnects) watch(connections <-chan node.PeerConnection, lines *lines) {
	for one := range connections {
		name := "connected"
		if !one.Connected {
			name = "disconnected"
			d.mutex.Lock()
			if d.count == nil {
				d.count = map[string]int{}
			}
			d.count[one.PeerID.String()]++
			d.mutex.Unlock()
		}
		lines.event(name, map[string]any{"peer": one.PeerID.String()})
	}
}

func (d *disconnects) snapshot() map[string]int {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return copied(d.count)
}
