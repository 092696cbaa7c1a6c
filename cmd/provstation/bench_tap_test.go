package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/prototest"
)

// frame is a frame as it crosses a line.
func frame(t *testing.T, kind serialproto.Kind, size int) []byte {
	t.Helper()
	b, err := serialproto.AppendFrame(nil, 7, serialproto.Frame{Dir: serialproto.DeviceToHost, Kind: kind, ID: 1, Payload: make([]byte, size)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever crosses is counted once, by its kind, in whatever pieces it comes.
func TestCutterCountsEveryByte(t *testing.T) {
	stream := slices.Concat(
		frame(t, serialproto.KindAnnounce, 30), frame(t, serialproto.KindRsp, serialproto.MaxPayload), []byte("booting\r\nready\r\n"),
		frame(t, serialproto.KindAck, 1), []byte{0, 1, 2, 0}, frame(t, serialproto.KindRsp, 5),
	)
	want := map[string]uint64{
		"ANNOUNCE":  uint64(len(frame(t, serialproto.KindAnnounce, 30))),
		"RSP":       uint64(len(frame(t, serialproto.KindRsp, serialproto.MaxPayload)) + len(frame(t, serialproto.KindRsp, 5))),
		kindText:    17, // the delimiter of the frame that follows ends it
		"ACK":       uint64(len(frame(t, serialproto.KindAck, 1))) - 1,
		kindDamaged: 4,
	}
	for _, size := range []int{1, 7, 64, len(stream)} {
		var c cutter
		got := map[string]uint64{}
		for piece := range slices.Chunk(stream, size) {
			c.feed(piece, func(kind string, n int) { got[kind] += uint64(n) })
		}
		if !maps.Equal(got, want) {
			t.Errorf("in pieces of %d: got %v, want %v", size, got, want)
		}
	}
}

// A tap's figures end where they are asked to, and tell both directions apart where there are no frames.
func TestTapHearsBothWays(t *testing.T) {
	host, device := prototest.Pipe(prototest.Config{})
	t.Cleanup(func() { _ = host.Close() })
	p := &tap{Transport: host, plain: true}
	if _, err := p.Write([]byte("asked")); err != nil {
		t.Fatal(err)
	}
	if _, err := device.Write([]byte("answered")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	for got := 0; got < len("answered"); {
		n, err := p.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got += n
	}
	first, kinds := p.heard(time.Now())
	if want := map[string]uint64{kindToDevice: 5, kindToHost: 8}; !maps.Equal(kinds, want) || first.IsZero() {
		t.Errorf("got %v, first byte at %v; want %v and a time", kinds, first, want)
	}
	if _, kinds := p.heard(first.Add(-time.Hour)); len(kinds) > 0 {
		t.Errorf("before anything crossed: got %v", kinds)
	}
}
