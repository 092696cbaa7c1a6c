package devstack

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

// memoryDevice is a device as it is where there are no ptys.
func memoryDevice(t *testing.T) *Device {
	t.Helper()
	d := newDevice(t.TempDir(), "slot-01", "VD-1", deviceConfig{baud: fast, model: "virtual", log: slog.New(slog.DiscardHandler)})
	d.ln, d.Path = newMemoryCable(), "memory:slot-01"
	if err := d.boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Unplug() })
	return d
}

func TestMemoryLine(t *testing.T) {
	d := memoryDevice(t)
	s := &Stack{all: []*Device{d}}
	if _, ok := s.Open("memory:slot-02"); ok {
		t.Error("opened a port that does not exist")
	}
	for i := range 3 { // a port can be opened again and again
		end, ok := s.Open(d.Path)
		if !ok {
			t.Fatalf("open %d: no such port", i+1)
		}
		h := link.NewHost(end, link.HostConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		w, err := h.Greet(ctx)
		if err != nil || w.Serial != "VD-1" {
			t.Fatalf("open %d: greet: %q %v", i+1, w.Serial, err)
		}
		if i == 0 {
			if err := h.Bye(ctx); err != nil { // or the device would wait for a silent station's return
				t.Error(err)
			}
		}
		if i == 1 {
			if err := d.Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := h.Call(ctx, &serialproto.SimpleArgs{Op: serialproto.OpStatus}, nil); !errors.Is(err, link.ErrReset) {
				t.Errorf("a request after the reset: got %v, want link.ErrReset", err)
			}
		}
		cancel()
		if err := h.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if _, err := end.Write([]byte{0}); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a write after close: got %v, want os.ErrClosed", err)
		}
	}
	end, ok := s.Open(d.Path)
	if !ok {
		t.Fatal("no such port")
	}
	if err := d.Unplug(); err != nil {
		t.Fatal(err)
	}
	for buf := make([]byte, 256); ; {
		_, err := end.Read(buf)
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("an unplugged line: got %v, want io.EOF", err)
		}
		break
	}
	if _, ok := s.Open(d.Path); ok {
		t.Error("opened a port that was taken away")
	}
}
