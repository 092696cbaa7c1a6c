package link

import (
	"maps"

	"provstation/serialproto"
)

// Stats counts what one end has sent and heard. All numbers only grow.
type Stats struct {
	TxBytes     uint64 // handed to the transport
	RxBytes     uint64 // read from the transport, noise included
	TxFrames    uint64
	RxFrames    uint64 // sound frames
	Retransmits uint64 // fragments sent more than once
	Polls       uint64 // questions asked for lack of an answer
	Hellos      uint64 // HELLO frames sent
	Broken      uint64 // damaged, foreign or stale frames
	Ignored     uint64 // sound frames that had no place: duplicates of the past, unknown kinds, rule breakers
	Echoes      uint64 // frames with our own direction bit
	TextBytes   uint64 // console text heard, LOG frames included
	TextDropped uint64 // of these, bytes not handed to the callback because of the rate limit

	TxKinds map[serialproto.Kind]uint64
	RxKinds map[serialproto.Kind]uint64
}

func newStats() Stats {
	return Stats{TxKinds: map[serialproto.Kind]uint64{}, RxKinds: map[serialproto.Kind]uint64{}}
}

func (s *Stats) sent(k serialproto.Kind, n int) {
	s.TxBytes += uint64(n)
	s.TxFrames++
	s.TxKinds[k]++
	if k == serialproto.KindHello {
		s.Hellos++
	}
}

func (s *Stats) heard(k serialproto.Kind) {
	s.RxFrames++
	s.RxKinds[k]++
}

func (s *Stats) decoder(d serialproto.DecoderStats) {
	s.RxBytes = d.Bytes
	s.Broken = d.Broken
}

// snapshot returns a copy that shares nothing.
func (s *Stats) snapshot() Stats {
	c := *s
	c.TxKinds, c.RxKinds = maps.Clone(s.TxKinds), maps.Clone(s.RxKinds)
	return c
}
