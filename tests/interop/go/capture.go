package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
)

// Records what goes over each stream, between yamux and everything above it: the only place where the bytes are plain and
// whole. A line of JSON a stream, written when the stream ends. For docs/waku.md, not for the tests.
type capture struct {
	mutex sync.Mutex
	file  *os.File
}

func newCapture(path string) (network.Multiplexer, error) {
	if path == "" {
		return yamux.DefaultTransport, nil
	}
	file, err := os.Create(path)
	return &capture{file: file}, err
}

func (c *capture) NewConn(conn net.Conn, server bool, scope network.PeerScope) (network.MuxedConn, error) {
	muxed, err := yamux.DefaultTransport.NewConn(conn, server, scope)
	return &capturedConn{MuxedConn: muxed, capture: c}, err
}

type capturedConn struct {
	network.MuxedConn
	capture *capture
}

func (c *capturedConn) OpenStream(ctx context.Context) (network.MuxedStream, error) {
	stream, err := c.MuxedConn.OpenStream(ctx)
	return &capturedStream{MuxedStream: stream, capture: c.capture, opened: true}, err
}

func (c *capturedConn) AcceptStream() (network.MuxedStream, error) {
	stream, err := c.MuxedConn.AcceptStream()
	return &capturedStream{MuxedStream: stream, capture: c.capture}, err
}

type capturedStream struct {
	network.MuxedStream
	capture *capture
	opened  bool
	mutex   sync.Mutex
	in, out []byte
	once    sync.Once
}

func (s *capturedStream) Read(buffer []byte) (int, error) {
	n, err := s.MuxedStream.Read(buffer)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.in = append(s.in, buffer[:n]...)
	return n, err
}

func (s *capturedStream) Write(buffer []byte) (int, error) {
	n, err := s.MuxedStream.Write(buffer)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.out = append(s.out, buffer[:n]...)
	return n, err
}

func (s *capturedStream) Close() error {
	s.record()
	return s.MuxedStream.Close()
}

func (s *capturedStream) Reset() error {
	s.record()
	return s.MuxedStream.Reset()
}

func (s *capturedStream) record() {
	s.once.Do(func() {
		s.mutex.Lock()
		line, _ := json.Marshal(map[string]any{
			"opened_by_go": s.opened, "in": hex.EncodeToString(s.in), "out": hex.EncodeToString(s.out),
		})
		s.mutex.Unlock()
		s.capture.mutex.Lock()
		defer s.capture.mutex.Unlock()
		_, _ = s.capture.file.Write(append(line, '\n'))
	})
}
