package prototest_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"

	"provstation/serialproto"
	"provstation/serialproto/prototest"
)

var errPulled = errors.New("pulled out")

func TestPacing(t *testing.T) {
	for _, c := range []struct {
		baud, n int
		want    time.Duration
	}{
		{115200, 1152, 100 * time.Millisecond},
		{9600, 96, 100 * time.Millisecond},
		{921600, 9216, 100 * time.Millisecond},
		{0, 100000, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, b := prototest.Pipe(prototest.Config{Baud: c.baud})
			defer a.Close()
			begin := time.Now()
			go func() {
				if _, err := a.Write(make([]byte, c.n)); err != nil {
					t.Error(err)
				}
			}()
			if _, err := io.ReadFull(b, make([]byte, c.n)); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(begin).Round(time.Microsecond); got != c.want {
				t.Errorf("%d bytes at %d baud: got %v, want %v", c.n, c.baud, got, c.want)
			}
		})
	}
}

func TestIdleTimeIsNotMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := prototest.Pipe(prototest.Config{Baud: 115200})
		defer a.Close()
		for range 3 {
			<-time.After(time.Second)
			begin := time.Now()
			if _, err := a.Write(make([]byte, 115)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(b, make([]byte, 115)); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(begin); got < 9*time.Millisecond || got > 11*time.Millisecond {
				t.Errorf("115 bytes after idleness: got %v, want 10 ms", got)
			}
		}
	})
}

func TestDeadlinesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := prototest.Pipe(prototest.Config{Buffer: 32})
		begin := time.Now()
		if err := a.SetReadDeadline(begin.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := a.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("read: got %d, %v after %v, want %v after 1s", n, err, time.Since(begin), os.ErrDeadlineExceeded)
		}
		if err := a.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Write(make([]byte, 1000)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write to nobody: got %v, want %v", err, os.ErrDeadlineExceeded)
		}
		done := make(chan error, 1)
		go func() {
			var err error
			for buf := make([]byte, 64); err == nil; {
				_, err = b.Read(buf)
			}
			done <- err
		}()
		synctest.Wait()
		a.Unplug(errPulled)
		if err := <-done; !errors.Is(err, errPulled) {
			t.Errorf("read under unplug: got %v, want %v", err, errPulled)
		}
		if _, err := b.Write([]byte{1}); !errors.Is(err, errPulled) {
			t.Errorf("write after unplug: got %v, want %v", err, errPulled)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("read after close: got %v, want %v", err, os.ErrClosed)
		}
	})
}

func TestFaultsRepeatBySeed(t *testing.T) {
	run := func(seed uint64) []byte {
		var got []byte
		synctest.Test(t, func(t *testing.T) {
			a, b := prototest.Pipe(prototest.Config{Baud: 115200, ToDevice: prototest.Line{Faults: prototest.Faults{
				Seed: seed, Drop: 0.01, Flip: 0.01, Duplicate: 0.01, InsertZero: 0.01, InsertFF: 0.01, Swap: 0.01, Burst: 0.002,
			}}})
			defer a.Close()
			if _, err := a.Write(bytes.Repeat([]byte("abcdefgh"), 400)); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
			if err := b.SetReadDeadline(time.Now()); err != nil {
				t.Fatal(err)
			}
			if err := b.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			var err error
			for buf := make([]byte, 512); err == nil; {
				var n int
				n, err = b.Read(buf)
				got = append(got, buf[:n]...)
			}
		})
		return got
	}
	one, again, other := run(1), run(1), run(2)
	if !bytes.Equal(one, again) || bytes.Equal(one, other) || bytes.Contains(one, bytes.Repeat([]byte("abcdefgh"), 300)) {
		t.Errorf("same seed equal: %v, other seed equal: %v; want true, false, and damage", bytes.Equal(one, again), bytes.Equal(one, other))
	}
}

func TestRewriteSeesFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := prototest.Pipe(prototest.Config{ToDevice: prototest.Line{Rewrite: prototest.DropNth(serialproto.KindReq, 2)}})
		defer a.Close()
		var stream []byte
		for id := range uint8(3) {
			var err error
			if stream, err = serialproto.AppendFrame(stream, 9, serialproto.Frame{Kind: serialproto.KindReq, ID: id + 1, Payload: []byte{0, id}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range stream { // whatever the writes are, frames are found
			if _, err := a.Write([]byte{c}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		var d serialproto.Decoder
		d.SetSession(9)
		var ids []uint8
		var err error
		for buf := make([]byte, 64); err == nil; {
			var n int
			n, err = b.Read(buf)
			d.Feed(buf[:n], func(f serialproto.Frame) { ids = append(ids, f.ID) }, nil)
		}
		if len(ids) != 2 || ids[0] != 1 || ids[1] != 3 {
			t.Errorf("frames heard: got %v, want 1 and 3", ids)
		}
	})
}

// TestPacedPTY runs a real pseudo terminal in real time.
func TestPacedPTY(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	if err := rawMode(slave); err != nil {
		t.Fatal(err)
	}
	line := prototest.Paced(master, prototest.Config{Baud: 115200})
	const n = 2304 // 200 ms
	begin := time.Now()
	if _, err := line.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(slave, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if got := time.Since(begin); got < 195*time.Millisecond {
		t.Errorf("out: %d bytes took %v, want at least 200 ms", n, got)
	}
	begin = time.Now()
	if _, err := slave.Write(bytes.Repeat([]byte{7}, n)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(line, make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if got := time.Since(begin); got < 195*time.Millisecond {
		t.Errorf("in: %d bytes took %v, want at least 200 ms", n, got)
	}
	if err := line.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// TestManyLinesShareOnePacer: 64 lines in real time are as fast as one.
func TestManyLinesShareOnePacer(t *testing.T) {
	const lines, n = 64, 5760 // half a second
	p := prototest.NewPacer()
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	for range lines {
		all.Go(func() {
			a, b := prototest.Pipe(prototest.Config{Baud: 115200, Pacer: p})
			defer a.Close()
			begin := time.Now()
			go func() { _, _ = a.Write(make([]byte, n)) }() // the reader's count is the test
			if _, err := io.ReadFull(b, make([]byte, n)); err != nil {
				t.Error(err)
			}
			mu.Lock()
			took = append(took, time.Since(begin))
			mu.Unlock()
		})
	}
	all.Wait()
	slices.Sort(took)
	t.Logf("64 lines: fastest %v, median %v, slowest %v", took[0], took[lines/2], took[lines-1])
	if took[0] < 499*time.Millisecond {
		t.Errorf("fastest: got %v, want no line faster than the wire", took[0])
	}
	if took[lines/2] > 750*time.Millisecond { // generous: the machine may be busy
		t.Errorf("median: got %v, want near 500 ms", took[lines/2])
	}
}

func BenchmarkPacedLines(b *testing.B) {
	p := prototest.NewPacer()
	for b.Loop() {
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				x, y := prototest.Pipe(prototest.Config{Baud: 921600, Pacer: p})
				defer x.Close()
				go func() { _, _ = x.Write(make([]byte, 3400)) }() // read below
				if _, err := io.ReadFull(y, make([]byte, 3400)); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
}
