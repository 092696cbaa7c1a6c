package devstack

import (
	"io"
	"testing"
	"time"

	"provstation/serialproto/port"
	"provstation/serialproto/prototest"
)

// A bare line carries what is put into it no faster than its baud rate, to a port that a station can open.
func TestBareLine(t *testing.T) {
	l, err := NewBareLine(BareConfig{Dir: t.TempDir(), Baud: 9600, Pacer: prototest.NewPacer()}, "line-1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	station, err := l.Station()
	if station == nil && err == nil {
		station, err = port.Open(l.Path, port.Config{Baud: 9600})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = station.Close() })
	const n = 96
	least := n * 10 * time.Second / 9600
	began := time.Now()
	if _, err := l.Device.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(station, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < least {
		t.Errorf("%d bytes crossed in %v, want %v at least", n, took, least)
	}
	if _, err := station.Write([]byte("up")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(l.Device, make([]byte, 2)); err != nil {
		t.Errorf("nothing came the other way: %v", err)
	}
}
