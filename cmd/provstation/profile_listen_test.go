package main

import (
	"bytes"
	"io"
	"testing"
	"time"

	"provstation/serialproto/link"
)

// readOnly is a port of which only reading is wanted.
type readOnly struct {
	link.Transport
	io.Reader
}

func (r readOnly) Read(p []byte) (int, error) { return r.Reader.Read(p) }

// TestOpinion: what a port has said is judged when it has said more, and not each time somebody looks.
func TestOpinion(t *testing.T) {
	text := bytes.NewBufferString("Debian GNU/Linux 12 box ttyS0\r\n\r\n")
	rec := &recorder{Transport: readOnly{Reader: text}, opened: time.Now()}
	var o opinion
	hear := func() {
		if _, err := rec.Read(make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
	}
	hear()
	for range 20 {
		if s := o.of(rec); s.Login || s.Bytes != 33 {
			t.Fatalf("got %+v, want 33 bytes without a prompt", s)
		}
	}
	text.WriteString("box login: ")
	hear()
	for range 20 {
		if s := o.of(rec); !s.Login {
			t.Fatalf("got %+v, want a login prompt", s)
		}
	}
	if o.formed != 2 {
		t.Errorf("judged %d times, want 2", o.formed)
	}
}
